//! An explanation as an indented tree, or as JSON.

use serde_json::{Value, json};
use spm_core::ground::trace::{Node, Operation};

/// The tree as text: value, label, how it follows, and the clause of the plan.
#[must_use]
pub fn text(root: &Node) -> String {
    let mut lines = Vec::new();
    branch(root, "", "", &mut lines);
    lines.join("\n") + "\n"
}

fn branch(node: &Node, head: &str, indent: &str, lines: &mut Vec<String>) {
    let how = match node.operation {
        Operation::Input => String::new(),
        operation => format!(" = {}", operation.word()),
    };
    let clause = node.clause.as_ref().map_or_else(String::new, |clause| format!("   [{}]", clause.clause()));
    lines.push(format!("{head}{}: {}{how}{clause}", node.label, node.value_text()));
    for (index, child) in node.children.iter().enumerate() {
        let last = index + 1 == node.children.len();
        let (mark, bar) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        branch(child, &format!("{indent}{mark}"), &format!("{indent}{bar}"), lines);
    }
}

/// The tree as JSON; values are exact texts.
#[must_use]
pub fn json(node: &Node) -> Value {
    json!({
        "label": node.label,
        "value": node.value.to_string(),
        "shown": node.value_text(),
        "operation": node.operation.word(),
        "clause": node.clause.as_ref().map(|clause| clause.clause()),
        "children": node.children.iter().map(json).collect::<Vec<_>>(),
    })
}

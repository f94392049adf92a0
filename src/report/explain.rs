//! An explanation as an indented tree, or as JSON.

use serde_json::{Value, json};
use spm_core::ground::trace::{Node, Operation};

/// The tree as text: value, label, how it follows, and the clause of the plan. What was shown before is not unfolded again.
#[must_use]
pub fn text(root: &Node) -> String {
    let (mut lines, mut shown) = (Vec::new(), Vec::new());
    branch(root, "", "", &mut shown, &mut lines);
    lines.join("\n") + "\n"
}

fn branch<'n>(node: &'n Node, head: &str, indent: &str, shown: &mut Vec<&'n Node>, lines: &mut Vec<String>) {
    let again = !node.children.is_empty() && shown.contains(&node);
    let how = match node.operation {
        Operation::Input => String::new(),
        _ if again => " (as above)".to_owned(),
        operation => format!(" = {}", operation.word()),
    };
    let clause = node.clause.as_ref().map_or_else(String::new, |clause| format!("   [{}]", clause.clause()));
    lines.push(format!("{head}{}: {}{how}{clause}", node.label, node.value_text()));
    if again {
        return;
    }
    shown.push(node);
    for (index, child) in node.children.iter().enumerate() {
        let last = index + 1 == node.children.len();
        let (mark, bar) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        branch(child, &format!("{indent}{mark}"), &format!("{indent}{bar}"), shown, lines);
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

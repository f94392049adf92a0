//! The text of every `--help` is a file that reviewers read. `UPDATE_GOLDEN=1 cargo test` writes it anew.

use crate::project::{Project, root};

/// Names of the subcommands that a help text lists.
fn subcommands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| line.starts_with("  "));
    let names =
        lines.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

fn collect(project: &Project, path: &[String], all: &mut String) {
    let arguments: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
    let help = project.run(&arguments).exits(0).stdout();
    *all += &format!("$ spm {}\n{help}\n", arguments.join(" "));
    for name in subcommands(&help) {
        collect(project, &[path, &[name]].concat(), all);
    }
}

#[test]
fn every_help_text_is_the_reviewed_one() {
    let mut all = String::new();
    collect(&Project::new(), &[], &mut all);
    let path = root().join("tests/golden/help.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &all).expect("the file is written");
    }
    let reviewed = std::fs::read_to_string(&path).expect("tests/golden/help.txt");
    assert!(
        all == reviewed,
        "help changed: UPDATE_GOLDEN=1 cargo test --release help, then read the difference"
    );
}

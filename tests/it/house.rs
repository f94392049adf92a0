//! The rules of the house: floors, who may name Polars, who may print, no network.

use std::fs;
use std::path::{Path, PathBuf};

use crate::project::root;

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    fn go(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                go(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("text");
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    go(&root().join(folder), &mut found);
    found
}

fn forbid(folder: &str, words: &[&str], except: &[&str]) {
    for (path, text) in sources(folder) {
        if except.iter().any(|part| path.to_string_lossy().contains(part)) {
            continue;
        }
        for word in words {
            assert!(!text.contains(word), "{} says `{word}`", path.display());
        }
    }
}

#[test]
fn lower_floors_do_not_know_higher_ones() {
    forbid("src/core/ground", &["crate::plan", "crate::engine", "polars", "std::fs", "std::env"], &[]);
    forbid("src/core/plan", &["crate::engine", "polars", "std::fs", "std::env"], &[]);
    forbid("src/core/engine", &["polars", "std::fs", "std::env", "HashMap", "Instant"], &[]);
    forbid("src/frame", &["clap", "println!", "eprintln!"], &[]);
    forbid("src/ledger", &["crate::cli", "crate::report", "clap", "polars::", "std::env", "SystemTime"], &[]);
    forbid("src/report", &["crate::cli", "polars::"], &[]);
    forbid("src/cli", &["polars::", "SELECT ", "rusqlite"], &[]);
}

#[test]
fn money_is_never_a_float() {
    forbid("src/core/ground", &["f32", "f64"], &["rational.rs"]);
    forbid("src/core/engine/comp", &["f32", "f64"], &[]);
    forbid("src/core/engine/quota", &["f32", "f64"], &[]);
    forbid("src/core/engine/ledger", &["f32", "f64"], &[]);
    forbid("src/ledger", &["f32", "f64"], &[]);
}

#[test]
fn every_file_says_what_it_is() {
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        assert!(text.starts_with("//!"), "{} has no first sentence", path.display());
        assert!(text.lines().count() <= 700, "{} is too long", path.display());
    }
}

#[test]
fn no_network_library_is_linked() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("a lock file");
    let metadata = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--prefix", "none", "--edges", "normal", "--locked", "--offline", "-p", "spm"])
        .current_dir(root())
        .output()
        .expect("cargo");
    assert!(metadata.status.success() && !lock.is_empty());
    let tree = String::from_utf8_lossy(&metadata.stdout);
    for name in ["reqwest", "hyper", "rustls", "ring", "object_store", "native-tls", "curl"] {
        assert!(!tree.lines().any(|line| line.starts_with(&format!("{name} v"))), "{name} is in the tree");
    }
}

#[test]
fn schemas_and_reference_pages_are_those_of_the_program() {
    let print = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_spm"))
            .args(arguments)
            .output()
            .expect("the program starts");
        String::from_utf8(output.stdout).expect("text")
    };
    for kind in ["project", "comp", "fairness", "forecast", "potential", "quotas", "territories", "tables"] {
        let page = fs::read_to_string(root().join(format!("docs/reference/{kind}.md"))).expect("a page");
        assert!(
            page == print(&["schema", kind, "--format", "markdown"]),
            "docs/reference/{kind}.md is old; see CONTRIBUTING.md"
        );
        if kind != "tables" {
            let schema =
                fs::read_to_string(root().join(format!("schemas/{kind}.schema.json"))).expect("a schema");
            assert!(
                schema == print(&["schema", kind]),
                "schemas/{kind}.schema.json is old; see CONTRIBUTING.md"
            );
        }
    }
}

#[test]
fn the_program_opens_no_socket() {
    // No socket can be opened without these functions of the system's library, and the program does not import them.
    let program = fs::read(env!("CARGO_BIN_EXE_spm")).expect("the program");
    if cfg!(target_os = "linux") {
        let imports = |name: &str| {
            let symbol = format!("\0{name}\0");
            program.windows(symbol.len()).any(|window| window == symbol.as_bytes())
        };
        assert!(imports("open64") || imports("openat") || imports("open"), "imports are found at all");
        for name in ["socket", "connect", "bind", "listen", "getaddrinfo", "sendto"] {
            assert!(!imports(name), "the program imports {name}");
        }
    }
    // Where strace is installed, a trace of a run says the same.
    let Ok(output) = std::process::Command::new("strace")
        .args(["-f", "-e", "trace=network", env!("CARGO_BIN_EXE_spm"), "check", "--project"])
        .arg(root().join("examples/adventureworks"))
        .output()
    else {
        return;
    };
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !log.contains("socket("), "{log}");
}

//! Documents are run: every recipe of the cookbook is a project whose output is the printed one, every plan to start
//! from pays what its file says, and the commands that the README shows do what it says.

use crate::project::{Project, root};

/// A fenced block: what follows the fence, and the text inside.
struct Block {
    info: String,
    text: String,
}

/// The sections of a page by heading, with their fenced blocks.
fn sections(page: &str) -> Vec<(String, Vec<Block>)> {
    let mut sections: Vec<(String, Vec<Block>)> = Vec::new();
    let mut open: Option<Block> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some(Block { info: info.to_owned(), text: String::new() }),
            (Some(_), Some(_)) => {
                if let (Some(block), Some((_, blocks))) = (open.take(), sections.last_mut()) {
                    blocks.push(block);
                }
            }
            (Some(block), None) => block.text += &format!("{line}\n"),
            (None, None) => {
                if let Some(heading) = line.strip_prefix("## ") {
                    sections.push((heading.to_owned(), Vec::new()));
                }
            }
        }
    }
    sections
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_recipe_prints_what_the_cookbook_says() {
    let sections = sections(&read("docs/cookbook.md"));
    assert!(sections.len() >= 30, "{} recipes", sections.len());
    for (heading, blocks) in sections {
        let project = Project::new();
        let mut run = 0;
        for block in blocks {
            if let Some(command) = block.text.strip_prefix("$ spm ") {
                let (command, expected) = command.split_once('\n').unwrap_or((command, ""));
                let arguments: Vec<&str> = command.split_whitespace().collect();
                assert_eq!(project.run(&arguments).exits(0).stdout(), expected, "{heading}");
                run += 1;
            } else if let Some((_, path)) = block.info.split_once(' ') {
                project.file(path, block.text);
            }
        }
        assert!(run > 0, "{heading} runs nothing");
    }
}

/// Without the hashes of the chain, which cover the program's version.
fn without_hashes(text: &str) -> String {
    let word = |word: &str| if word.len() == 64 { "HASH".to_owned() } else { word.to_owned() };
    text.split('\n')
        .map(|line| line.split(' ').map(word).collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n")
}

/// A command line with texts in quotes.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in command.split('"').enumerate() {
        match index % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

#[test]
fn the_guide_to_the_ledger_is_one_project_from_beginning_to_end() {
    let project = Project::new();
    let mut run = 0;
    for block in sections(&read("docs/ledger.md")).into_iter().flat_map(|(_, blocks)| blocks) {
        if let Some((_, path)) = block.info.split_once(' ') {
            project.file(path, block.text);
            continue;
        }
        for part in block.text.split("$ spm ").skip(1) {
            let (command, expected) = part.split_once('\n').unwrap_or((part, ""));
            let arguments = words(command);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let printed = project.run(&arguments).exits(0).stdout();
            assert_eq!(without_hashes(&printed), without_hashes(expected), "{command}");
            run += 1;
        }
    }
    assert!(run >= 14, "{run} commands");
}

#[test]
fn guides_print_what_they_say() {
    // A section is a project of its own, made of its files; one named AdventureWorks starts from a copy of the example.
    let mut run = 0;
    for page in ["docs/forecast.md", "docs/fairness.md", "docs/quotas.md"] {
        for (heading, blocks) in sections(&read(page)) {
            let real = heading == "AdventureWorks";
            let project = if real { Project::adventureworks() } else { Project::new() };
            for block in blocks {
                if let Some(command) = block.text.strip_prefix("$ spm ") {
                    let (command, expected) = command.split_once('\n').unwrap_or((command, ""));
                    let arguments: Vec<&str> = command.split_whitespace().collect();
                    let printed = project.run(&arguments).exits(0).stdout();
                    assert_eq!(printed, expected, "{page}, {heading}: spm {command}");
                    run += 1;
                } else if let Some((_, path)) = block.info.split_once(' ') {
                    project.file(path, block.text);
                }
            }
        }
    }
    assert!(run >= 8, "{run} commands");
}

#[test]
fn plans_to_start_from_pay_what_they_say() {
    let folder = root().join("plans");
    let folder = folder.to_string_lossy();
    let checked = Project::new().run(&["check", "--project", &folder]).exits(0);
    assert!(!checked.stderr().contains("warning"), "{}", checked.stderr());
    let arguments =
        ["-q", "comp", "run", "--period", "2027-Q1", "--dry-run", "--format", "csv", "--project", &folder];
    assert_eq!(Project::new().run(&arguments).exits(0).stdout(), read("plans/expected-2027-Q1.csv"));
    let arguments = ["-q", "quotas", "allocate", "--dry-run", "--format", "csv", "--project", &folder];
    assert_eq!(Project::new().run(&arguments).exits(0).stdout(), read("plans/expected-quotas.csv"));
}

#[test]
fn commands_of_the_readme_work_on_the_example() {
    let project = Project::adventureworks();
    let page = read("README.md");
    let printed: Vec<&str> =
        page.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    for block in &printed {
        let (command, expected) = block.split_once('\n').expect("a command and its output");
        let command = command.strip_prefix("$ spm ").expect("a command of spm");
        let arguments: Vec<&str> = command.split_whitespace().collect();
        assert_eq!(project.run(&arguments).exits(0).stdout(), expected, "{command}");
    }
    let (_, tour) = page.split_once("## Five minutes").expect("the tour");
    let tour = tour.split("```").nth(1).expect("its commands");
    let commands: Vec<&str> = tour.lines().filter_map(|line| line.strip_prefix("spm ")).collect();
    assert!(printed.len() + commands.len() >= 7, "{commands:?}");
    for command in commands {
        let command = command.split('#').next().unwrap_or_default();
        project.run(&command.split_whitespace().collect::<Vec<_>>()).exits(0);
    }
}

//! What stands, printed; and adjustments of projects with several plans.

use crate::project::Project;

/// A and B with quotas of two plans: of the year, and of its first half.
fn company() -> Project {
    let project = Project::new();
    let plan = |id: &str, quarters: std::ops::RangeInclusive<i32>| {
        let phasing: String =
            quarters.map(|quarter| format!("[[phasing]]\nperiod = \"2027-Q{quarter}\"\n")).collect();
        format!(
            "version = 1\nkind = \"quotas\"\nid = \"{id}\"\nmeasure = \"{id}\"\nmethod = \"equal\"\ntotal = 400\n{phasing}"
        )
    };
    project
        .file(
            "spm.toml",
            "version = 1\nname = \"Co\"\ncurrency = \"USD\"\ncalendar = { pattern = \"quarters\", start = 2027-01-01, years = 1 }\n\
             [sources.reps]\nfiles = \"reps.csv\"\ncolumns = { rep_id = \"id\" }\n",
        )
        .file("reps.csv", "id\nA\nB\n")
        .file("plans/year.toml", plan("year", 1..=4))
        .file("plans/half.toml", plan("half", 1..=2));
    project
}

#[test]
fn what_stands_is_printed_before_and_after_an_adjustment() {
    let project = company();
    let show = |more: &[&str]| project.run(&[&["-q", "quotas", "show", "--format", "csv"], more].concat());
    assert!(show(&[]).exits(3).stderr().contains("run `spm quotas allocate` first"));
    let allocated = project.run(&["-q", "quotas", "allocate", "--format", "csv"]).exits(0).stdout();
    assert_eq!(show(&[]).exits(0).stdout(), allocated);
    project.file("reps.csv", "id\nA\n");
    // The plan that has ended stands; the other is adjusted.
    let told =
        project.run(&["quotas", "adjust", "--from", "2027-Q3", "--reason", "B has left"]).exits(0).stderr();
    assert!(told.contains("plan half has ended before 2027-Q3: its quotas stand"), "{told}");
    let of = |holder: &str, measure: &str| {
        let shown = show(&["--holder", holder, "--measure", measure]).exits(0).stdout();
        let amount = |line: &str| line.rsplit(',').next().unwrap_or_default().to_owned();
        shown.lines().skip(1).map(amount).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of("A", "year"), "50.00 50.00 100.00 100.00");
    assert_eq!([of("A", "half"), of("B", "half")], ["100.00 100.00", "100.00 100.00"]);
    assert_eq!(of("B", "year"), "50.00 50.00");
    // A line that comes during the year has nothing that could be shared anew.
    let plan = String::from_utf8(project.bytes("plans/year.toml")).expect("text");
    project.file("plans/year.toml", format!("{plan}[[line]]\nname = \"new\"\n"));
    let refused =
        project.run(&["quotas", "adjust", "--from", "2027-Q3", "--reason", "new"]).exits(3).stderr();
    assert!(refused.contains("SPM503") && refused.contains("line `new` has no quotas yet"), "{refused}");
    project.file("plans/year.toml", plan);
    let told = project.run(&["quotas", "show", "--holder", "A"]).exits(0).stderr();
    assert!(told.contains("version 1 from 2027-Q3: B has left"), "{told}");
    assert!(show(&["--holder", "Coo"]).exits(1).stderr().contains("did you mean Co?"));
    assert!(show(&["--measure", "yaer"]).exits(1).stderr().contains("did you mean year?"));
    project.run(&["-q", "quotas", "show", "--output", "shown.csv"]).exits(0);
    assert!(
        String::from_utf8(project.bytes("shown.csv"))
            .expect("text")
            .starts_with("holder_id,level,parent_id,measure,period,amount")
    );
}

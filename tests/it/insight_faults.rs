//! Bad input of forecasts, scores and models: the gallery goes on from `faults.rs`.

/// A change to a valid forecast: file, what is replaced, by what, the exit code, the code, and words of the message.
type ForecastCase<'a> = (&'a str, &'a str, &'a str, i32, &'a str, &'a str);

#[test]
fn faults_of_forecasts() {
    let periods = "periods = \"2027\"";
    let pipeline = "[pipeline]\nprobability = { Qualify = \"10%\" }\n";
    let stated = format!("{periods}\n{pipeline}");
    let cases: &[ForecastCase<'_>] = &[
        (
            "plans/forecast.toml",
            "title = \"Sales\"",
            "where = \"amount > 1000000\"",
            3,
            "SPM404",
            "no transaction qualifies before 2027-Q1",
        ),
        (
            "plans/forecast.toml",
            "title",
            "history = \"2026-Q2..2026-Q4\"\ntitle",
            3,
            "SPM431",
            "3 period(s) of history, and a season has 4",
        ),
        (
            "plans/forecast.toml",
            "title",
            "history = \"2026..2027-Q1\"\ntitle",
            3,
            "SPM304",
            "the history ends with 2027-Q1, not before 2027-Q1",
        ),
        ("plans/forecast.toml", "reps.region", "reps.regoin", 3, "SPM010", "did you mean `region`?"),
        ("plans/forecast.toml", "reps.region", "seats.region", 3, "SPM010", "transactions, reps or accounts"),
        ("plans/forecast.toml", "\"2027\"", "\"2031\"", 3, "SPM012", "no period"),
        ("plans/forecast.toml", "title", "seasn = 4\ntitle", 3, "SPM003", "did you mean `season`?"),
        (
            "plans/forecast.toml",
            "title",
            "models = [\"smothing\"]\ntitle",
            3,
            "SPM007",
            "did you mean \"smoothing\"?",
        ),
        ("plans/forecast.toml", "title", "interval = \"100%\"\ntitle", 3, "SPM110", "between 0% and 100%"),
        (
            "plans/forecast.toml",
            periods,
            &stated,
            3,
            "SPM432",
            "an open opportunity in stage `Propose` has no probability",
        ),
        ("open.csv", "open,2027-02-01", "won?,2027-02-01", 3, "SPM110", "has the status `won?`"),
        ("open.csv", "open,2027-02-01", "won?,2027-02-01", 3, "SPM110", "open.csv: row "),
        ("plans/forecast.toml", periods, &stated, 3, "SPM432", "open.csv: row "),
    ];
    for (file, what, by, exit, code, words) in cases {
        let project = crate::forecast::small();
        if *file == "open.csv" {
            let plan = String::from_utf8(project.bytes("plans/forecast.toml")).expect("text");
            project.file("plans/forecast.toml", format!("{plan}{pipeline}"));
        }
        let text = String::from_utf8(project.bytes(file)).expect("text");
        assert!(text.contains(what), "{code}: `{what}` is not in {file}");
        project.file(file, text.replacen(what, by, 1));
        // `spm check` says the same beforehand.
        let checked = project.run(&["check"]).exits(1).stderr();
        assert!(checked.contains(code) && checked.contains(words), "{code} {words}:\n{checked}");
        let ran = project.run(&["forecast"]).exits(*exit);
        assert!(
            ran.stderr().contains(code) && ran.stderr().contains(words),
            "{code} {words}:\n{}",
            ran.stderr()
        );
        assert!(!project.0.join("out/forecast").exists(), "{code}: nothing is written");
    }
}

#[test]
fn faults_of_scores_and_models() {
    let score = ["quotas", "score", "quotas.csv"].as_slice();
    let model = ["potential"].as_slice();
    type Case<'a> = (&'a [&'a str], &'a str, &'a str, &'a str, &'a str, &'a str);
    let cases: &[Case<'_>] = &[
        (
            score,
            "quotas.csv",
            "R00,rep,West,2027,85",
            "R00,rep,West,2027,-85",
            "SPM110",
            "is -85, below zero",
        ),
        (score, "quotas.csv", "2027", "2031", "SPM012", "which the calendar does not have"),
        (score, "quotas.csv", "amount", "goal", "SPM103", "has no column `amount`"),
        (
            score,
            "quotas.csv",
            "R01,rep,West,2027,",
            "R00,rep,West,2027,",
            "SPM108",
            "R00 has two quotas `quota` in 2027",
        ),
        (
            score,
            "quotas.csv",
            "R01,rep,West,2027,",
            ",rep,West,2027,",
            "SPM107",
            "quotas.csv: row 2, column holder_id",
        ),
        (score, "quotas.csv", "R01,rep,West,2027", "R01,rep,West,", "SPM107", "`period` of a quota is empty"),
        (
            score,
            "quotas.csv",
            "R01,rep",
            "R91,rep",
            "SPM109",
            "R91 has a quota in quotas.csv, but is neither in reps",
        ),
        (
            score,
            "quotas.csv",
            ",rep,West,",
            ",rep,,",
            "SPM109",
            "West has a quota in quotas.csv, but is neither in reps",
        ),
        (score, "quotas.csv", "85", "many", "SPM105", "not a column of exact numbers"),
        (score, "quotas.csv", "Acme,company,,", "Acme,company,West,", "SPM405", "lead back to it"),
        (
            score,
            "plans/fairness.toml",
            "title",
            "measure = \"units\"\ntitle",
            "SPM404",
            "has no quota `units`",
        ),
        (
            score,
            "plans/fairness.toml",
            "title",
            "where = \"amount > 1000\"\ntitle",
            "SPM431",
            "no growth can be measured",
        ),
        (
            score,
            "plans/fairness.toml",
            "title",
            "where = \"amount > 1000\"\ngrowth = \"5%\"\nvariation = \"20%\"\ntitle",
            "SPM404",
            "no seat has a history",
        ),
        (
            score,
            "plans/fairness.toml",
            "title",
            "where = \"rep_id < 'R03'\"\ntitle",
            "SPM431",
            "too few to measure variation",
        ),
        (
            score,
            "plans/fairness.toml",
            "title",
            "history = \"2025..2026\"\ntitle",
            "SPM304",
            "1 before 2027 are needed",
        ),
        (
            score,
            "plans/fairness.toml",
            "title",
            "expected = \"model\"\ntitle",
            "SPM503",
            "out/potential/model.parquet",
        ),
        (
            score,
            "plans/fairness.toml",
            "title",
            "common = \"-5%\"\ntitle",
            "SPM110",
            "`common` must be zero or more",
        ),
        (
            score,
            "plans/fairness.toml",
            "{ reps = \"clinics\" }",
            "{}",
            "SPM304",
            "one of `reps` and `accounts`",
        ),
        (score, "plans/fairness.toml", "clinics", "clinic", "SPM202", "did you mean `clinics`?"),
        (score, "plans/fairness.toml", "title", "band = [{ metric = \"share\" }]\ntitle", "SPM007", "share"),
        (
            model,
            "plans/potential.toml",
            "reps = \"clinics\"",
            "",
            "SPM304",
            "one of `reps`, `accounts` and `transactions`",
        ),
        (model, "plans/potential.toml", "2026", "2024", "SPM431", "need 2 periods up to the end of 2024"),
        (
            model,
            "plans/potential.toml",
            "learn",
            "eligible = \"rep_id < 'R05'\"\nlearn",
            "SPM431",
            "5 seat(s) with sales to learn from",
        ),
        (
            model,
            "plans/potential.toml",
            "learn",
            "by = \"owner\"\nlearn",
            "SPM010",
            "accounts has no text column `owner`",
        ),
    ];
    for (command, file, what, by, code, words) in cases {
        let project = crate::fairness::small();
        let text = String::from_utf8(project.bytes(file)).expect("text");
        assert!(text.contains(what), "{code}: `{what}` is not in {file}");
        project.file(file, text.replace(what, by));
        let ran = project.run(command).exits(3);
        assert!(
            ran.stderr().contains(code) && ran.stderr().contains(words),
            "{code} {words}:\n{}",
            ran.stderr()
        );
        assert!(!project.0.join("out").exists(), "{code}: nothing is written");
    }
    let project = crate::fairness::small();
    let text = String::from_utf8(project.bytes("quotas.csv")).expect("text");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[1..]
        .iter_mut()
        .for_each(|line| *line = line.rsplit_once(',').expect("an amount").0.to_owned() + ",0");
    project.file("quotas.csv", lines.join("\n"));
    let ran = project.run(score).exits(3);
    assert!(
        ran.stderr().contains("SPM404") && ran.stderr().contains("of all 12 seat(s) are zero"),
        "{}",
        ran.stderr()
    );
}

//! Forecasts as users see them: a real company's quarters, a small world with a pipeline, and the laws of the output.

use std::collections::BTreeMap;

use crate::project::Project;

/// The rows of a CSV output by column name.
pub(crate) fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    lines
        .map(|line| {
            names.iter().zip(line.split(',')).map(|(name, cell)| ((*name).into(), cell.into())).collect()
        })
        .collect()
}

fn cents(text: &str) -> i64 {
    text.replace('.', "").parse().unwrap_or_else(|_| panic!("{text} is no amount"))
}

#[test]
fn the_yardstick_of_a_real_company_is_the_one_calculated_by_hand() {
    // Python and DuckDB over the same extract: quarters P1 to P12, starts P9 to P12, what the quarter was a year ago.
    let project = Project::adventureworks();
    let ran = project.run(&["-q", "forecast", "--backtest", "--format", "csv"]).exits(0);
    let rows = rows(&ran.stdout());
    let whole: Vec<_> = rows.iter().filter(|row| row["level"] == "total").collect();
    let of = |model: &str| *whole.iter().find(|row| row["model"] == model).expect("a row");
    assert_eq!(of("seasonal-naive")["mae"], "2092134.29");
    assert_eq!(of("seasonal-naive")["wape"], "0.242");
    assert_eq!(of("seasonal-naive")["forecasts"], "10");
    let error = |model: &str| of(model)["mae"].parse::<f64>().expect("a number");
    assert!(error("printed") < error("seasonal-naive"), "growth is what seasonal-naive cannot see");
    assert_eq!(rows.iter().filter(|row| row["used"] == "true").count(), 16, "one model for each group");
}

#[test]
fn printed_parts_add_up_and_naive_is_used_where_it_wins() {
    let project = Project::adventureworks();
    let plan = String::from_utf8(project.bytes("plans/forecast.toml")).expect("text");
    for method in ["bottom-up", "top-down", "structural", "variance"] {
        project.file("plans/forecast.toml", plan.replace("structural", method));
        let ran = project.run(&["forecast", "--format", "csv"]).exits(0);
        assert!(ran.stderr().contains("seasonal-naive won in"), "{}", ran.stderr());
        let mut sums: BTreeMap<(String, String), i64> = BTreeMap::new();
        let mut own: BTreeMap<(String, String), i64> = BTreeMap::new();
        for row in rows(&ran.stdout()) {
            let (group, period) = (row["group"].clone(), row["period"].clone());
            let (low, amount, high) = (cents(&row["low"]), cents(&row["amount"]), cents(&row["high"]));
            assert!(low <= amount && amount <= high, "{row:?}");
            let parent = match row["level"].as_str() {
                "total" => String::new(),
                "reps.group" => "AdventureWorks".to_owned(),
                _ => group.rsplit_once(" / ").expect("a path").0.to_owned(),
            };
            *sums.entry((parent, period.clone())).or_default() += amount;
            own.insert((group, period), amount);
        }
        for (parent, sum) in sums.iter().filter(|((parent, _), _)| !parent.is_empty()) {
            assert_eq!(own[parent], *sum, "{method} {parent:?}");
        }
    }
}

#[test]
fn threads_and_the_order_of_rows_change_no_byte() {
    let project = small();
    let read = || ["forecast", "backtest"].map(|name| project.bytes(&format!("out/forecast/{name}.parquet")));
    project.run(&["-q", "forecast", "--threads", "1"]).exits(0);
    let first = read();
    let text = String::from_utf8(project.bytes("deals.csv")).expect("text");
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1..].reverse();
    project.file("deals.csv", lines.join("\n"));
    project.run(&["-q", "forecast", "--threads", "3"]).exits(0);
    assert!(first == read());
}

/// Five years of quarters of two regions; opportunities in three stages.
pub(crate) fn small() -> Project {
    let project = Project::new();
    let mut deals = "id,rep,date,amount\n".to_owned();
    for year in 0..5 {
        for (quarter, (month, season)) in [(2, 100), (5, 80), (8, 60), (11, 160)].into_iter().enumerate() {
            for (rep, factor) in [("A", 3), ("B", 2), ("C", 1)] {
                let amount = factor * (season + 10 * year) + (7 * year + 3 * quarter as i64) % 5;
                deals += &format!("{rep}-{year}-{quarter},{rep},{}-{month:02}-10,{amount}.50\n", 2022 + year);
            }
        }
    }
    project
        .file(
            "spm.toml",
            "version = 1\nname = \"Acme\"\ncurrency = \"USD\"\n[calendar]\npattern = \"quarters\"\nstart = 2022-01-01\nyears = 6\n\
             [sources.reps]\nfiles = \"reps.csv\"\ncolumns = { rep_id = \"id\", region = \"region\" }\n\
             [sources.transactions]\nfiles = \"deals.csv\"\ncolumns = { transaction_id = \"id\", rep_id = \"rep\", event_date = \"date\", amount = \"amount\" }\n\
             [sources.opportunities]\nfiles = \"open.csv\"\ncolumns = { opportunity_id = \"id\", rep_id = \"rep\", stage = \"stage\", status = \"status\", close_date = \"close\", amount = \"amount\" }\n",
        )
        .file("reps.csv", "id,region\nA,North\nB,North\nC,South\n")
        .file("deals.csv", deals)
        .file(
            "open.csv",
            "id,rep,stage,status,close,amount\n\
             w1,A,Propose,won,2026-03-01,100\nw2,B,Propose,won,2026-04-01,100\n\
             l1,A,Qualify,lost,2026-03-01,100\nl2,C,Qualify,lost,2026-05-01,100\nl3,C,Propose,lost,2026-06-01,100\n\
             o1,A,Qualify,open,2027-02-01,1000\no2,C,Propose,open,2027-02-15,300\no3,C,Propose,open,2026-12-01,50\n",
        )
        .file(
            "plans/forecast.toml",
            "version = 1\nkind = \"forecast\"\nid = \"f\"\ntitle = \"Sales\"\nby = [\"reps.region\", \"rep_id\"]\nperiods = \"2027\"\n",
        );
    project
}

#[test]
fn the_pipeline_counts_by_the_probability_of_its_stage() {
    // Closed: 2 won, 3 lost. Qualify was reached by all 5, so 40 %; Propose by 2 won and 1 lost, so 2/3.
    let project = small();
    let plan = String::from_utf8(project.bytes("plans/forecast.toml")).expect("text");
    let pipeline = "[pipeline]\nstages = [\"Qualify\", \"Propose\"]\nprobability = \"measured\"\n";
    project.file("plans/forecast.toml", format!("{plan}{pipeline}"));
    let ran = project.run(&["forecast", "--format", "csv"]).exits(0);
    for words in [
        "stage Qualify: 40%, 2 of 5 closed ones that reached it were won; 1 open",
        "stage Propose: ≈66.6667%, 2 of 3",
        "1 open opportunities should have closed before 2027-Q1",
    ] {
        assert!(ran.stderr().contains(words), "{words}:\n{}", ran.stderr());
    }
    let table = rows(&ran.stdout());
    let of = |table: &[BTreeMap<String, String>], group: &str, key: &str| {
        let row = table.iter().find(|row| row["group"] == group && row["period"] == "2027-Q1");
        row.expect("a row")[key].clone()
    };
    assert_eq!(of(&table, "Acme", "pipeline"), "600.00");
    assert_eq!(of(&table, "North / A", "pipeline"), "400.00");
    assert_eq!(of(&table, "South", "pipeline"), "200.00");
    // Half of it in the forecast: the mean of both.
    project.file("plans/forecast.toml", format!("{plan}{pipeline}weight = \"50%\"\n"));
    let blended = rows(&project.run(&["-q", "forecast", "--format", "csv"]).exits(0).stdout());
    let (before, after) = (cents(&of(&table, "Acme", "amount")), cents(&of(&blended, "Acme", "amount")));
    assert!((after * 2 - before - 60_000).abs() <= 1, "{before} {after}");
    // Stated probabilities: 10 % of 1000 and 1/3 of 300.
    project.file(
        "plans/forecast.toml",
        format!("{plan}[pipeline]\nprobability = {{ Qualify = \"10%\", Propose = \"1/3\" }}\n"),
    );
    let stated = rows(&project.run(&["-q", "forecast", "--format", "csv"]).exits(0).stdout());
    assert_eq!(of(&stated, "Acme", "pipeline"), "200.00");
}

#[test]
fn levels_of_managers_are_groups() {
    let project = small();
    let toml = String::from_utf8(project.bytes("spm.toml")).expect("text");
    project
        .file("spm.toml", toml.replace("region = \"region\"", "region = \"region\", manager_id = \"boss\""))
        .file("reps.csv", "id,region,boss\nTop,,\nM,North,Top\nA,North,M\nB,North,M\nC,South,Top\n");
    let plan = String::from_utf8(project.bytes("plans/forecast.toml")).expect("text");
    let plan = plan.replace("\"reps.region\", \"rep_id\"", "\"managers.1\", \"managers.2\", \"managers.3\"");
    project.file("plans/forecast.toml", plan);
    let table = rows(&project.run(&["-q", "forecast", "--format", "csv"]).exits(0).stdout());
    let mut groups: Vec<&str> = table.iter().map(|row| row["group"].as_str()).collect();
    groups.dedup();
    assert_eq!(
        groups,
        ["Acme", "Top", "Top / C", "Top / C / (none)", "Top / M", "Top / M / A", "Top / M / B"]
    );
    project.file("reps.csv", "id,region,boss\nTop,,A\nM,North,Top\nA,North,M\nB,North,M\nC,South,Top\n");
    let ran = project.run(&["forecast"]).exits(3);
    assert!(ran.stderr().contains("SPM405") && ran.stderr().contains("lead back to"), "{}", ran.stderr());
}

#[test]
fn a_forecast_is_written_with_its_provenance_unless_it_is_dry() {
    let project = small();
    project.run(&["-q", "forecast", "--dry-run"]).exits(0);
    assert!(!project.0.join("out").exists());
    project.run(&["-q", "forecast", "--output", "f.xlsx"]).exits(0);
    assert!(project.0.join("f.xlsx").exists());
    let result: serde_json::Value =
        serde_json::from_slice(&project.bytes("out/forecast/result.json")).expect("JSON");
    assert_eq!(result["schema"], "spm.forecast.result/1");
    assert!(result["provenance"]["spm.plan.f"].is_string(), "{result}");
    assert_eq!(result["plans"][0]["origins"].as_array().map(Vec::len), Some(8));
}

#[test]
fn a_history_ends_with_the_last_sale_whatever_comes_between() {
    // Three years of quarters, and a forecast that starts two quarters later: nothing is learned from what has not happened.
    let project = Project::new();
    let sales: String = (0..12)
        .map(|at| format!("{at},{}-{:02}-15,{}\n", 2024 + at / 4, 3 * (at % 4) + 1, 100 + 10 * (at % 4)))
        .collect();
    project
        .file(
            "spm.toml",
            "version = 1\nname = \"Co\"\ncurrency = \"USD\"\ncalendar = { pattern = \"quarters\", start = 2024-01-01, years = 4 }\n[sources.transactions]\nfiles = \"t.csv\"\ncolumns = { transaction_id = \"id\", event_date = \"date\", amount = \"amount\" }\n",
        )
        .file("t.csv", format!("id,date,amount\n{sales}"))
        .file(
            "plans/f.toml",
            "version = 1\nkind = \"forecast\"\nid = \"f\"\nperiods = \"2027-Q3\"\nmodels = [\"seasonal-drift\"]\n",
        );
    let printed = project.run(&["-q", "forecast", "--format", "csv"]).exits(0).stdout();
    assert_eq!(rows(&printed)[0]["amount"], "120.00", "{printed}");
}

#[test]
fn a_season_is_enough_and_more_is_tested() {
    let months = |count: usize| {
        let project = Project::new();
        let mut deals = "id,date,amount\n".to_owned();
        for month in 0..count {
            deals += &format!(
                "{month},{}-{:02}-01,{}\n",
                2025 + month / 12,
                month % 12 + 1,
                100 + month % 12 + 10 * (month / 12)
            );
        }
        project
            .file(
                "spm.toml",
                "version = 1\nname = \"Acme\"\ncurrency = \"USD\"\ncalendar = { pattern = \"months\", start = 2025-01-01, years = 3 }\n\
                 [sources.transactions]\nfiles = \"deals.csv\"\ncolumns = { transaction_id = \"id\", event_date = \"date\", amount = \"amount\" }\n",
            )
            .file("deals.csv", deals)
            .file(
                "plans/f.toml",
                "version = 1\nkind = \"forecast\"\nid = \"f\"\nperiods = \"2027\"\nmodels = [\"seasonal-drift\", \"linear\", \"moving-average\"]\n",
            );
        project
    };
    let forecast = |project: &Project, more: &[&str]| {
        project.run(&[&["-q", "forecast", "--format", "csv"], more].concat()).exits(0).stdout()
    };
    // Two years: twelve starts from month 13 on. Only the line, from month 16 on, sees that the second year is 10 above the first.
    let two = months(24);
    two.run(&["check"]).exits(0);
    let scores = rows(&forecast(&two, &["--backtest"]));
    let of = |model: &str| scores.iter().find(|row| row["model"] == model).expect("a model");
    assert_eq!(
        (of("seasonal-naive")["forecasts"].as_str(), of("seasonal-naive")["rmse"].as_str()),
        ("78", "10.00")
    );
    assert_eq!(of("seasonal-drift")["mae"], of("seasonal-naive")["mae"], "it needs two seasons");
    assert_eq!(of("linear")["used"], "true");
    // One year is said again, untested; a period less is refused, before as well.
    let one = rows(&forecast(&months(12), &[]));
    assert_eq!((one[3]["period"].as_str(), one[3]["amount"].as_str()), ("2027-04", "103.00"));
    assert_eq!((one[3]["verdict"].as_str(), one[3]["wape"].as_str()), ("not tested", ""));
    for (command, exit) in [("check", 1), ("forecast", 3)] {
        let stderr = months(11).run(&[command]).exits(exit).stderr();
        assert!(
            stderr.contains("SPM431") && stderr.contains("11 period(s) of history, and a season has 12"),
            "{stderr}"
        );
    }
}

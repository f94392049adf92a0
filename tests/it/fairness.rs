//! Scores and models as users see them: past quotas of a real company, drawn years of a small one, what the files hold.

use std::collections::BTreeMap;

use crate::forecast::rows;
use crate::project::{Project, root};

/// Twelve reps, two years of sales, quotas of the next year through a region.
pub(crate) fn small() -> Project {
    let project = Project::new();
    let mut reps = "id,clinics,pay,hired\n".to_owned();
    let mut deals = "id,rep,date,amount\n".to_owned();
    let mut quotas = "holder_id,level,parent_id,period,amount\n".to_owned();
    let mut total = 0;
    for number in 0..12 {
        let sold = 80 + 10 * number + (number * 7) % 5;
        reps += &format!("R{number:02},{},40,{}-06-01\n", 8 + number, 2015 + number % 9);
        for (year, amount) in
            [(2024, sold - 6 + (number * 5) % 11), (2025, sold), (2026, sold + (number * 3) % 7)]
        {
            deals += &format!("{year}-{number},R{number:02},{year}-03-01,{amount}\n");
        }
        quotas += &format!("R{number:02},rep,West,2027,{}\n", sold + 5);
        total += sold + 5;
    }
    quotas += &format!("West,region,Acme,2027,{total}\nAcme,company,,2027,{}\n", total - 100);
    project
        .file(
            "spm.toml",
            "version = 1\nname = \"Acme\"\ncurrency = \"USD\"\n[calendar]\nboundaries = [2024-01-01, 2025-01-01, 2026-01-01, 2027-01-01, 2028-01-01]\nnames = [\"2024\", \"2025\", \"2026\", \"2027\"]\n\
             [sources.reps]\nfiles = \"reps.csv\"\ncolumns = { rep_id = \"id\", clinics = { column = \"clinics\", type = \"number\" }, target_pay = \"pay\", hire_date = \"hired\" }\n\
             [sources.transactions]\nfiles = \"deals.csv\"\ncolumns = { transaction_id = \"id\", rep_id = \"rep\", event_date = \"date\", amount = \"amount\" }\n",
        )
        .file("reps.csv", reps)
        .file("deals.csv", deals)
        .file("quotas.csv", quotas)
        .file(
            "plans/fairness.toml",
            "version = 1\nkind = \"fairness\"\nid = \"fair\"\ntitle = \"Fair\"\npotential = { reps = \"clinics\" }\n",
        )
        .file(
            "plans/comp.toml",
            "version = 1\nkind = \"comp\"\nid = \"c\"\n[[credit]]\nname = \"all\"\n[[measure]]\nname = \"sales\"\ncredits = [\"all\"]\ngoal = { quota = \"quota\" }\n[[component]]\nname = \"commission\"\nmeasure = \"sales\"\npay = \"per-unit\"\nrate = \"10%\"\n",
        )
        .file(
            "plans/potential.toml",
            "version = 1\nkind = \"potential\"\nid = \"seats\"\nlearn = \"2026\"\n[[input]]\nname = \"clinics\"\nunit = \"clinics\"\nreps = \"clinics\"\n",
        );
    project
}

fn metrics(text: &str) -> BTreeMap<String, f64> {
    let known =
        rows(text).into_iter().filter_map(|row| Some((row["metric"].clone(), row["value"].parse().ok()?)));
    known.collect()
}

#[test]
fn past_quotas_of_a_real_company_are_scored_on_what_was_sold() {
    // The published sales and quotas of six periods, added up by salesperson.
    let text =
        std::fs::read_to_string(root().join("examples/adventureworks/expected/payments_periods_1_to_6.csv"));
    let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for row in rows(&text.expect("a file")) {
        let own = sums.entry(row["rep_id"].clone()).or_default();
        own.0 += row["sales"].parse::<f64>().unwrap_or(0.0);
        own.1 += row["quota"].parse::<f64>().unwrap_or(0.0);
    }
    sums.retain(|_, (_, quota)| *quota > 0.0);
    let reached = sums.values().filter(|(sold, quota)| sold >= quota).count() as f64 / sums.len() as f64;
    let sold: f64 = sums.values().map(|own| own.0).sum();
    let quota: f64 = sums.values().map(|own| own.1).sum();
    let project = Project::adventureworks();
    project.file(
        "plans/fairness.toml",
        "version = 1\nkind = \"fairness\"\nid = \"past\"\nwhere = \"kind = 'rep'\"\n",
    );
    let ran = project.run(&["quotas", "score", "table", "--period", "P1..P6", "--format", "csv"]).exits(0);
    assert!(ran.stderr().contains("every period is past"), "{}", ran.stderr());
    let found = metrics(&ran.stdout());
    assert!((found["share-at-quota"] - reached).abs() < 1e-4, "{} {reached}", found["share-at-quota"]);
    assert!((found["bias"] - sold / quota).abs() < 1e-3, "{} {}", found["bias"], sold / quota);
    assert!(
        !found.contains_key("away-from-equal-pain"),
        "nothing before P1 is known, so nothing is expected"
    );
    // The cost is what `spm comp run` pays for the same periods: 67 published payments.
    let paid = project.run(&["-q", "comp", "run", "--period", "P1..P6", "--format", "csv"]).exits(0).stdout();
    let paid: f64 = rows(&paid).iter().map(|row| row["amount"].parse::<f64>().expect("an amount")).sum();
    assert!((found["compensation-cost"] - paid).abs() < 0.01, "{} {paid}", found["compensation-cost"]);
}

#[test]
fn a_year_is_drawn_from_a_seed_and_costed_by_the_comp_plans() {
    let project = small();
    let score = |more: &[&str]| {
        let arguments = [&["quotas", "score", "quotas.csv", "--format", "csv"], more].concat();
        project.run(&arguments).exits(0)
    };
    let first = score(&["--threads", "1"]);
    let bytes = || ["score", "seats"].map(|name| project.bytes(&format!("out/fairness/{name}.parquet")));
    let one = bytes();
    assert_eq!(first.stdout(), score(&["--threads", "3"]).stdout());
    assert!(one == bytes());
    let found = metrics(&first.stdout());
    // A flat 10 % of all that is sold, whatever the draw: no curve, so variation costs nothing on average.
    assert!((found["cost-of-sales"] - 0.1).abs() < 1e-4, "{found:?}");
    assert!(found["cost-of-variation"].abs() < 0.02, "{found:?}");
    for name in ["spearman-tenure", "spearman-potential", "quota-to-target-pay", "chance-lowest"] {
        assert!(found.contains_key(name), "{name} is measured");
    }
    let levels: Vec<_> =
        rows(&first.stdout()).into_iter().filter(|row| row["metric"] == "over-assignment").collect();
    assert_eq!(levels.len(), 3, "region, rep, and both");
    assert!(levels[0]["value"].parse::<f64>().expect("a number") > 0.05, "{levels:?}");
    assert_eq!(levels[1]["value"], "0.0000");
    // Seats: one row each; quotas of equal pain add up to the same total.
    let seats = rows(&score(&["--seats"]).stdout());
    assert_eq!(seats.len(), 12);
    let sum = |name: &str| -> i64 {
        seats.iter().map(|row| row[name].replace('.', "").parse::<i64>().expect("cents")).sum()
    };
    assert_eq!(sum("quota"), sum("equal_pain"));
}

#[test]
fn bands_of_the_plan_and_strict() {
    let project = small();
    project.run(&["quotas", "score", "quotas.csv", "--dry-run"]).exits(0);
    assert!(!project.0.join("out").exists());
    let plan = String::from_utf8(project.bytes("plans/fairness.toml")).expect("text");
    let ran = project.run(&["quotas", "score", "quotas.csv", "--strict"]).exits(1);
    assert!(ran.stderr().contains("outside their bands: "), "{}", ran.stderr());
    // With bands that allow everything, nothing is outside.
    let mut all = plan;
    for row in
        rows(&project.run(&["-q", "quotas", "score", "quotas.csv", "--format", "csv"]).exits(0).stdout())
    {
        if !row["band"].is_empty() && !all.contains(&format!("\"{}\"", row["metric"])) {
            all += &format!("[[band]]\nmetric = \"{}\"\nlow = \"-1000000\"\nhigh = 1000000\n", row["metric"]);
        }
    }
    project.file("plans/fairness.toml", all);
    let ran = project.run(&["quotas", "score", "quotas.csv", "--strict", "--format", "json"]).exits(0);
    assert!(ran.stdout().contains("\"source\": \"the plan\""), "{}", ran.stdout());
}

/// Two reps with a quota of 100 in each quarter of 2026, and what each of them sold, quarter by quarter, from 2025 on.
fn two_years(sold: [u32; 8]) -> Project {
    let project = Project::new();
    let (mut deals, mut quotas) = ("id,rep,date,amount\n".to_owned(), "holder_id,period,amount\n".to_owned());
    for rep in ["A", "B"] {
        for (quarter, amount) in sold.iter().enumerate().filter(|(_, amount)| **amount > 0) {
            let (year, month) = (2025 + quarter / 4, 2 + 3 * (quarter % 4));
            deals += &format!("{rep}{quarter},{rep},{year}-{month:02}-01,{amount}\n");
        }
        (1..5).for_each(|quarter| quotas += &format!("{rep},2026-Q{quarter},100\n"));
    }
    project
        .file(
            "spm.toml",
            "version = 1\nname = \"Acme\"\ncurrency = \"USD\"\ncalendar = { pattern = \"quarters\", start = 2025-01-01, years = 2 }\n\
             [sources.reps]\nfiles = \"reps.csv\"\ncolumns = { rep_id = \"id\" }\n\
             [sources.transactions]\nfiles = \"deals.csv\"\ncolumns = { transaction_id = \"id\", rep_id = \"rep\", event_date = \"date\", amount = \"amount\" }\n",
        )
        .file("reps.csv", "id\nA\nB\n")
        .file("deals.csv", deals)
        .file("quotas.csv", quotas)
        .file(
            "plans/fairness.toml",
            "version = 1\nkind = \"fairness\"\nid = \"f\"\ngrowth = \"0%\"\nvariation = \"20%\"\n",
        );
    project
}

#[test]
fn a_period_without_sales_is_past_when_later_ones_have_some() {
    let score = |project: &Project, more: &[&str]| {
        let arguments = [&["quotas", "score", "quotas.csv", "--format", "csv"], more].concat();
        project.run(&arguments).exits(0)
    };
    // Closed in the third quarter: 400 sold of a quota of 400.
    let closed = score(&two_years([100, 100, 100, 100, 130, 130, 0, 140]), &[]);
    let found = metrics(&closed.stdout());
    assert_eq!((found["share-at-quota"], found["mean-attainment"]), (1.0, 1.0), "{}", closed.stderr());
    assert!(closed.stderr().contains("nobody sold anything in 2026-Q3"), "{}", closed.stderr());
    // No sale since June: the year may not be over. It is said, and what is past can be scored.
    let project = two_years([100, 100, 100, 100, 130, 130, 0, 0]);
    let open = score(&project, &[]).stderr();
    assert!(open.contains("2000 draws") && open.contains("the last sale is in 2026-Q2"), "{open}");
    let past = score(&project, &["--period", "2026-Q1..2026-Q2"]);
    assert!((metrics(&past.stdout())["mean-attainment"] - 1.3).abs() < 1e-9, "{}", past.stderr());
}

#[test]
fn a_model_learns_from_whole_stretches() {
    // As in docs/fairness.md, ten times as many clinics are worth ten times as much; H started in July and sold half of it.
    let potential = |hired: &str, sold: &str| {
        let project = Project::new();
        let mut reps = "id,clinics,hired\n".to_owned();
        let mut deals = "id,rep,date,amount\n".to_owned();
        for (place, clinics) in [10, 12, 14, 16, 18, 20, 22].into_iter().enumerate() {
            reps += &format!("R{place},{clinics},2020-01-01\n");
            deals += &format!(
                "{place},R{place},2025-02-01,{0}\n1{place},R{place},2026-02-01,{0}\n",
                365 * clinics
            );
        }
        project
            .file(
                "spm.toml",
                "version = 1\nname = \"Acme\"\ncurrency = \"USD\"\ncalendar = { pattern = \"quarters\", start = 2025-01-01, years = 3 }\n\
                 [sources.reps]\nfiles = \"reps.csv\"\ncolumns = { rep_id = \"id\", hire_date = \"hired\", clinics = { column = \"clinics\", type = \"number\" } }\n\
                 [sources.transactions]\nfiles = \"deals.csv\"\ncolumns = { transaction_id = \"id\", rep_id = \"rep\", event_date = \"date\", amount = \"amount\" }\n",
            )
            .file("reps.csv", format!("{reps}H,30,{hired}\n"))
            .file("deals.csv", format!("{deals}h,H,2026-10-01,{sold}\n"))
            .file(
                "plans/potential.toml",
                "version = 1\nkind = \"potential\"\nid = \"p\"\nlearn = \"2026\"\n[[input]]\nname = \"clinics\"\nreps = \"clinics\"\n",
            );
        project.run(&["potential", "--format", "csv"]).exits(0)
    };
    let expected = |ran: &crate::project::Ran| -> Vec<String> {
        rows(&ran.stdout()).into_iter().map(|row| row["expected"].clone()).collect()
    };
    // 184 of 365 days, from 1 July: 30 x 184 is 30 x 365 of a whole year.
    let (whole, half) = (potential("2020-01-01", "10950"), potential("2026-07-01", "5520"));
    assert_eq!(expected(&half), expected(&whole), "{}", half.stderr());
    assert!(half.stderr().contains("1 seat(s) were there for part of a stretch"), "{}", half.stderr());
    // Who was there for less than a quarter of it tells nothing, but is expected to sell what the clinics are worth.
    let little = potential("2026-12-01", "1");
    assert!(little.stderr().contains("1 seat(s) were there for less than a quarter"), "{}", little.stderr());
    assert_eq!(expected(&little).len(), 8);
}

#[test]
fn a_model_weighs_quotas() {
    // As docs/fairness.md says: the model as a source, joined to reps, and a quota plan with method weight.
    let project = small();
    let toml = String::from_utf8(project.bytes("spm.toml")).expect("text");
    let toml = toml
        .replace(
            "[sources.reps]\n",
            "[sources.model]\nfiles = \"out/potential/model.parquet\"\noptional = true\n[sources.model.columns]\nrep_id = \"rep_id\"\nexpected = { column = \"expected\", type = \"number\" }\n[sources.reps]\njoin = [{ source = \"model\", on = { id = \"rep_id\" } }]\n",
        )
        .replace("rep_id = \"id\", clinics", "rep_id = \"id\", expected = { column = \"model.expected\", type = \"number\" }, clinics");
    project.file("spm.toml", toml).file(
        "plans/quotas.toml",
        "version = 1\nkind = \"quotas\"\nid = \"q\"\nmethod = \"weight\"\nweight = \"expected\"\ntotal = 2000\nphasing = [{ period = \"2027\" }]\n",
    );
    // Before there is a model, it is what is missing: no fault of the plan.
    let refused = project.run(&["quotas", "allocate"]).exits(3).stderr();
    let missing = "`expected` of reps comes from out/potential/model.parquet, which is not there yet";
    assert!(refused.contains("error[SPM503]") && refused.contains(missing), "{refused}");
    assert!(!refused.contains("weight 0"), "{refused}");
    let warned = project.run(&["check"]).exits(0).stderr();
    assert!(warned.contains("warning[SPM503]") && warned.contains("run `spm potential` first"), "{warned}");
    project.run(&["-q", "run", "--period", "2026"]).exits(0);
    let expected = rows(&project.run(&["-q", "potential", "--format", "csv"]).exits(0).stdout());
    let sum: f64 = expected.iter().map(|row| row["expected"].parse::<f64>().expect("an amount")).sum();
    let quotas = rows(&project.run(&["-q", "quotas", "allocate", "--format", "csv"]).exits(0).stdout());
    for row in &expected {
        let quota = quotas.iter().find(|quota| quota["holder_id"] == row["rep_id"]).expect("a quota");
        let (own, weight): (f64, f64) =
            (quota["amount"].parse().expect("an amount"), row["expected"].parse().expect("an amount"));
        assert!((own - 2000.0 * weight / sum).abs() <= 1.0, "{quota:?} {row:?}");
    }
    let scored = project.run(&["quotas", "score", "--format", "csv"]).exits(0);
    assert!(metrics(&scored.stdout())["share-at-quota"] < 0.5, "the total is far above what is expected");
}

/// Ten seats that sell 25,000 in every quarter that they are there for.
fn quarters(reps: &str, quotas: &str, plan: &str) -> Project {
    let project = Project::new();
    let mut deals = "id,rep,date,amount\n".to_owned();
    for rep in 'A'..='J' {
        for (year, month) in
            [2025, 2026].into_iter().flat_map(|year| [2, 5, 8, 11].map(|month| (year, month)))
        {
            // C came in July 2026, and K is new.
            if rep != 'C' || (year, month) > (2026, 6) {
                deals += &format!("{rep}{year}{month},{rep},{year}-{month:02}-10,25000\n");
            }
        }
    }
    project
        .file(
            "spm.toml",
            "version = 1\nname = \"Acme\"\ncurrency = \"USD\"\ncalendar = { pattern = \"quarters\", start = 2025-01-01, years = 3 }\n\
             [sources.reps]\nfiles = \"reps.csv\"\ncolumns = { rep_id = \"id\", hire_date = \"hired\", end_date = \"ended\" }\n\
             [sources.leaves]\nfiles = \"leaves.csv\"\ncolumns = { rep_id = \"id\", from = \"from\", to = \"to\" }\n\
             [sources.transactions]\nfiles = \"deals.csv\"\ncolumns = { transaction_id = \"id\", rep_id = \"rep\", event_date = \"date\", amount = \"amount\" }\n",
        )
        .file("reps.csv", format!("id,hired,ended\n{reps}"))
        .file("leaves.csv", "id,from,to\nD,2027-04-01,2027-07-01\n")
        .file("deals.csv", deals)
        .file("quotas.csv", format!("holder_id,period,amount\n{quotas}"))
        .file("plans/fairness.toml", "version = 1\nkind = \"fairness\"\nid = \"fair\"\ngrowth = \"0%\"\nvariation = \"20%\"\n");
    if !plan.is_empty() {
        project.file("plans/quotas.toml", plan);
    }
    project
}

#[test]
fn what_is_expected_follows_who_is_there() {
    let people =
        "A,,\nB,,2027-07-01\nC,2026-07-01,\nD,,\nE,,\nF,,\nG,,2027-01-01\nH,,\nI,,\nJ,,\nK,2027-07-01,\n";
    let quota = |rep: char, quarter: usize| format!("{rep},2027-Q{quarter},20000\n");
    let mut quotas: String =
        ('A'..='J').flat_map(|rep| (1..=4).map(move |quarter| quota(rep, quarter))).collect();
    // E has no quota in the last quarter; K starts in July.
    quotas = quotas.replace(&quota('E', 4), "");
    quotas += &(quota('K', 3) + &quota('K', 4));
    let phasing: String =
        (1..=4).map(|quarter| format!("[[phasing]]\nperiod = \"2027-Q{quarter}\"\n")).collect();
    let top = "version = 1\nkind = \"quotas\"\nid = \"q\"\nmethod = \"equal\"\ntotal = 1000\nproration = \"time\"\nramp = [\"0%\", \"0%\", \"0%\"]\n";
    let project = quarters(people, &quotas, &format!("{top}{phasing}"));
    let ran = project.run(&["quotas", "score", "quotas.csv", "--seats", "--format", "csv"]).exits(0);
    let seats: BTreeMap<String, BTreeMap<String, String>> =
        rows(&ran.stdout()).into_iter().map(|row| (row["holder_id"].clone(), row)).collect();
    let own = |rep: &str, column: &str| seats[rep][column].clone();
    // A quarter of the year each, by the season of the plan: by its ramp, C was there for the last quarter of 2026 only.
    for (rep, carried, expected) in [
        ("A", "1.0000", "100000.00"),
        ("B", "0.5000", "50000.00"),
        ("C", "1.0000", "200000.00"),
        ("D", "0.7500", "75000.00"),
        ("E", "0.7500", "75000.00"),
        ("G", "0.0000", "0.00"),
    ] {
        assert_eq!(
            (own(rep, "carried"), own(rep, "expected")),
            (carried.to_owned(), expected.to_owned()),
            "{rep}"
        );
    }
    assert_eq!((own("G", "chance"), own("K", "carried")), ("0.0000".to_owned(), "0.2500".to_owned()));
    for words in [
        "2 seat(s) have no quota in some of these periods",
        "3 seat(s) are not there all the time",
        "1 seat(s) have a quota and are not there",
    ] {
        assert!(ran.stderr().contains(words), "{words}: {}", ran.stderr());
    }
    // Without a plan the days count, and nobody ramps: B is there for 181 of 365 days.
    let project = quarters(people, &quotas, "");
    let ran = project.run(&["quotas", "score", "quotas.csv", "--seats", "--format", "csv"]).exits(0);
    let seats = rows(&ran.stdout());
    assert_eq!((seats[1]["carried"].as_str(), seats[1]["expected"].as_str()), ("0.4959", "49589.04"));
    // C was there for 184 of 365 days of 2026, and sold 50,000 in them.
    assert_eq!(seats[2]["expected"], "99184.78");
}

#[test]
fn a_model_is_inspectable_and_serves_the_score() {
    let project = small();
    let ran = project.run(&["potential", "--format", "csv"]).exits(0);
    assert!(ran.stderr().contains("mean error for seats not learned from: model"), "{}", ran.stderr());
    for row in rows(&ran.stdout()) {
        let cents = |name: &str| row[name].replace('.', "").parse::<i64>().expect("cents");
        assert_eq!(
            cents("expected"),
            cents("base") + cents("from_clinics") + cents("at_least_zero"),
            "{row:?}"
        );
        assert!(cents("low") <= cents("expected") && cents("expected") <= cents("high"));
    }
    let coefficients =
        rows(&project.run(&["-q", "potential", "--coefficients", "--format", "csv"]).exits(0).stdout());
    let worth: f64 = coefficients[0]["per_unit"].parse().expect("a number");
    assert!((worth - 10.0).abs() < 1.0, "a clinic is worth 10: {worth}");
    let plan = String::from_utf8(project.bytes("plans/fairness.toml")).expect("text");
    project.file("plans/fairness.toml", plan + "expected = \"model\"\n");
    let by_model = rows(
        &project
            .run(&["-q", "quotas", "score", "quotas.csv", "--seats", "--format", "csv"])
            .exits(0)
            .stdout(),
    );
    let expected = rows(&ran.stdout());
    for (seat, row) in by_model.iter().zip(&expected) {
        assert_eq!((&seat["holder_id"], &seat["expected"]), (&row["rep_id"], &row["expected"]));
    }
}

//! The files of a project for an invented company, and the comparison with what the program prints.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::path::Path;
use std::process::Command;

use super::{
    Cap, Curve, Number, Pay, Plan, RefundOf, STARTS, Table, World, cents, expected, month_of, period,
    plan_id, rep_id,
};

fn date(day: i64) -> String {
    if day == 365 {
        return "2028-01-01".to_owned();
    }
    format!("{}-{:02}", period(month_of(day)), day - STARTS[month_of(day)] + 1)
}

fn decimals(cents: i64) -> String {
    format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100)
}

/// A line of a plan; nothing for None.
fn key(name: &str, value: Option<impl Display>) -> String {
    value.map_or(String::new(), |value| format!("{name} = {value}\n"))
}

fn text(name: &str, value: Option<impl Display>) -> String {
    key(name, value.map(|value| format!("\"{value}\"")))
}

fn list<T>(name: &str, values: &[T], item: impl Fn(&T) -> String) -> String {
    key(
        name,
        Some(values)
            .filter(|v| !v.is_empty())
            .map(|v| format!("[{}]", v.iter().map(item).collect::<Vec<_>>().join(", "))),
    )
}

fn effective(range: Option<(i64, i64)>) -> String {
    key("effective", range.map(|(from, to)| format!("{{ from = {}, to = {} }}", date(from), date(to))))
}

impl Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Number::Same(number) => write!(f, "amount = \"{number}\""),
            Number::Column(column) => write!(f, "column = \"{column}\""),
        }
    }
}

fn curve_toml(curve: &Curve) -> String {
    text("curve.mode", curve.step.then_some("step"))
        + &text("curve.beyond", Some(curve.beyond).filter(|_| !curve.step))
        + &text("curve.below", Some(curve.below))
        + &list("curve.points", &curve.points, |(at, pay)| format!("{{ at = \"{at}\", pay = \"{pay}\" }}"))
}

fn table_toml(table: &Table) -> String {
    match table {
        Table::Rate(rate) => format!("rate = {{ {rate} }}\n"),
        Table::Curve(curve) => curve_toml(curve),
        Table::Tiers { mode, attainment, lower, steps } => {
            text("tiers.mode", Some(mode))
                + &text("tiers.on", Some(if *attainment { "attainment" } else { "amount" }))
                + &text("tiers.boundary", lower.then_some("lower"))
                + &list("tiers.steps", steps, |(from, rate)| {
                    format!("{{ from = \"{from}\", rate = {{ {rate} }} }}")
                })
        }
    }
}

fn pay_toml(pay: &Pay) -> String {
    let team = |team: bool| text("team", team.then_some("team"));
    match pay {
        Pay::PerUnit(table) => format!("pay = \"per-unit\"\n{}", table_toml(table)),
        Pay::TargetShare { target, per, table } => {
            format!("pay = \"target-share\"\ntarget = {{ {target}, per = \"{per}\" }}\n{}", table_toml(table))
        }
        Pay::Fixed { amount, at } => format!("pay = \"fixed\"\namount = {{ {amount} }}\nat = \"{at}\"\n"),
        Pay::FixedCurve(curve) => format!("pay = \"fixed\"\n{}", curve_toml(curve)),
        Pay::Rank { prizes, at, team: by } => {
            format!(
                "pay = \"rank\"\nat = \"{at}\"\n{}{}",
                list("prizes", prizes, |p| format!("\"{p}\"")),
                team(*by)
            )
        }
        Pay::Pool { amount, by_measure, team: by } => {
            let how = if *by_measure { "measure" } else { "equal" };
            format!("pay = \"pool\"\namount = \"{amount}\"\nby = \"{how}\"\n{}", team(*by))
        }
    }
}

fn plan_toml(number: usize, plan: &Plan) -> String {
    let mut toml = format!("version = 1\nkind = \"comp\"\nid = \"{}\"\n", plan_id(number));
    toml += &(text("rounding", Some(plan.rounding)) + &text("proration", Some(plan.proration)));
    toml += &(effective(plan.effective) + &text("refunds", Some(plan.refunds)));
    let outside = plan.outside.map(|team| format!("team <> '{team}'"));
    let role = plan.role.map(|role| format!("role = '{role}'"));
    let eligible: Vec<String> = outside.into_iter().chain(role).collect();
    toml += &text("eligible", Some(eligible.join(" AND ")).filter(|text| !text.is_empty()));
    for (number, credit) in plan.credits.iter().enumerate() {
        toml += &format!("\n[[credit]]\nname = \"credit{number}\"\nto = \"{}\"\n", credit.to);
        toml += &text("where", Some(credit.filter).filter(|filter| !filter.is_empty()));
        toml += &(text("share", credit.share) + &text("role", credit.role) + &key("levels", credit.levels));
        toml += &(text("net_of_lower", credit.net) + &effective(credit.effective));
        toml += &text("of", Some(credit.of).filter(|_| credit.to == "managers"));
    }
    for (number, measure) in plan.measures.iter().enumerate() {
        toml += &format!("\n[[measure]]\nname = \"m{number}\"\n");
        toml += &list("credits", &measure.credits, |credit| format!("\"credit{credit}\""));
        toml += &(text("aggregate", Some(measure.aggregate)) + &text("window", Some(measure.window)));
        toml += &(key("periods", measure.periods) + &text("team", measure.team.then_some("team")));
        toml += &key("allow_double", Some(measure.double));
        let Some(goal) = &measure.goal else { continue };
        let number = goal.number.map(|number| format!("{{ {number}, per = \"{}\"", goal.per));
        toml += &format!("goal = {}", number.unwrap_or("{ quota = \"q\"".to_owned()));
        toml += if goal.whole_year { ", basis = \"year\"" } else { "" };
        toml += &(goal.prorate.map_or(String::new(), |prorate| format!(", prorate = {prorate}")) + " }\n");
    }
    for (number, component) in plan.components.iter().enumerate() {
        toml += &format!("\n[[component]]\nname = \"c{number}\"\nmeasure = \"m{number}\"\n");
        toml += &pay_toml(&component.pay);
        if let Some((at, back_pay)) = component.threshold {
            toml += &format!("threshold = {{ at = \"{at}\", back_pay = {back_pay} }}\n");
        }
        toml += &list("multiplier", &component.multipliers, |factor| format!("{{ value = \"{factor}\" }}"));
        if let Some(gate) = &component.gate {
            toml += &text("gate.measure", gate.measure.map(|measure| format!("m{measure}")));
            toml += &(text("gate.at", Some(gate.at)) + &text("gate.else", gate.otherwise));
            toml += &key("gate.catch_up", Some(gate.catch_up));
        }
        toml += &(text("weight", component.weight) + &text("attainment_cap", component.attainment_cap));
        if let Some(Cap { amount, what, per, carry }) = &component.cap {
            toml += &format!("cap = {{ {what} = \"{amount}\", per = \"{per}\"");
            toml += if *carry { ", carry = true }\n" } else { " }\n" };
        }
    }
    let cap = plan.cap.map(|(amount, per)| format!("{{ amount = \"{amount}\", per = \"{per}\" }}"));
    // Before the lists of tables, where it belongs to the plan.
    key("cap", cap)
        + &key("guarantee", plan.guarantee.map(|amount| format!("{{ amount = \"{amount}\" }}")))
        + &toml
}

fn order_id(order: usize) -> String {
    format!("d{order:03}")
}

fn tables(world: &World) -> Vec<(&'static str, String)> {
    let mut people = "rep_id,manager_id,hire_date,end_date,rate,role,target_pay,team\n".to_owned();
    let mut history = "rep_id,from,to,manager_id,rate,role\n".to_owned();
    let mut hierarchy = "rep_id,manager_id,from,to\n".to_owned();
    let day = |day: Option<i64>| day.map_or(String::new(), date);
    for (rep, person) in world.reps.iter().enumerate() {
        let id = rep_id(rep);
        for (place, span) in person.spans.iter().enumerate() {
            let manager = span.manager.map_or(String::new(), rep_id);
            let from = day(Some(span.from).filter(|_| place > 0));
            let to = day(person.spans.get(place + 1).map(|next| next.from));
            if world.hierarchy && span.manager.is_some() {
                let _ = writeln!(hierarchy, "{id},{manager},{from},{to}");
            }
            let manager = if world.hierarchy { String::new() } else { manager };
            let (rate, role) = (decimals(cents(span.rate, "")), span.role);
            if place == 0 {
                let (hire, end) = (day(person.hire), day(person.end));
                let (target, team) = (person.target, person.team);
                let _ = writeln!(people, "{id},{manager},{hire},{end},{rate},{role},{target},{team}");
            } else {
                let _ = writeln!(history, "{id},{from},{to},{manager},{rate},{role}");
            }
        }
    }
    let mut accounts = "account_id,territory_id\n".to_owned();
    let mut assignments = "rep_id,territory_id,from,to\n".to_owned();
    for (account, holders) in world.holders.iter().enumerate() {
        let _ = writeln!(accounts, "a{account},t{account}");
        for (rep, from, to) in holders {
            let _ = writeln!(assignments, "{},t{account},{},{}", rep_id(*rep), date(*from), date(*to));
        }
    }
    let mut transactions =
        "transaction_id,line_id,account_id,rep_id,event_date,amount,kind,refund_of\n".to_owned();
    let mut splits = "transaction_id,rep_id,role,share,type\n".to_owned();
    for (number, deal) in world.deals.iter().enumerate() {
        let (day, amount) = (date(deal.day), decimals(cents(deal.amount, "")));
        let refund_of = match deal.refund_of {
            RefundOf::Empty => String::new(),
            RefundOf::Unknown => "lost".to_owned(),
            RefundOf::Deal(taken) => order_id(world.deals[taken].order),
        };
        let (rep, kind, order) = (rep_id(deal.rep), deal.kind, order_id(deal.order));
        let line = deal.line.map_or(String::new(), |line| line.to_string());
        let _ = writeln!(
            transactions,
            "{order},{line},a{},{rep},{day},{amount},{kind},{refund_of}",
            deal.account
        );
        // The lines of an order share its splits.
        for (rep, share, role) in deal.shares.iter().filter(|_| deal.order == number) {
            let kind = if *role == "lead" { "split" } else { "overlay" };
            let _ = writeln!(splits, "{order},{},{role},{share},{kind}", rep_id(*rep));
        }
    }
    let mut goals = "holder_id,measure,period,amount\n".to_owned();
    for ((rep, month), amount) in &world.quotas {
        let amount = amount.map_or(String::new(), |amount| amount.to_string());
        let _ = writeln!(goals, "{},q,{},{amount}", rep_id(*rep), period(*month));
    }
    let mut tables = vec![("reps", people), ("rep_history", history), ("accounts", accounts)];
    tables.extend([("assignments", assignments), ("transactions", transactions)]);
    tables.extend([("splits", splits), ("quotas", goals)]);
    tables.extend(world.hierarchy.then_some(("hierarchy", hierarchy)));
    tables
}

/// Runs the program in a folder and says where it disagrees.
pub fn compare(world: &World, program: &Path, folder: &Path) -> Result<(), String> {
    let say = |error: std::io::Error| error.to_string();
    let mut spm = "version = 1\nname = \"Oracle\"\ncurrency = \"USD\"\n".to_owned();
    spm += "calendar = { pattern = \"months\", start = 2027-01-01, years = 1 }\n";
    std::fs::create_dir_all(folder.join("plans")).map_err(say)?;
    for (name, content) in tables(world) {
        spm += &format!("[sources.{name}]\nfiles = \"{name}.csv\"\n");
        for column in content.lines().next().unwrap_or_default().split(',') {
            let number = if column == "rate" { ", type = \"number\"" } else { "" };
            spm += &format!("columns.{column} = {{ column = \"{column}\"{number} }}\n");
        }
        std::fs::write(folder.join(format!("{name}.csv")), content).map_err(say)?;
    }
    std::fs::write(folder.join("spm.toml"), spm).map_err(say)?;
    let mut plans = String::new();
    for (number, plan) in world.plans.iter().enumerate() {
        let plan = plan_toml(number, plan);
        std::fs::write(folder.join(format!("plans/{}.toml", plan_id(number))), &plan).map_err(say)?;
        plans += &plan;
    }
    let arguments =
        ["-q", "comp", "run", "--period", "2027-01..2027-06", "--table", "earnings", "--format", "csv"];
    let ran = Command::new(program).args(arguments).current_dir(folder).output().map_err(say)?;
    if !ran.status.success() {
        let error = String::from_utf8_lossy(&ran.stderr);
        return Err(format!("seed {}: the program failed\n{error}\n{plans}", world.seed));
    }
    let stdout = String::from_utf8_lossy(&ran.stdout);
    let mut rows = stdout.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = rows.next().unwrap_or_default();
    let place =
        |name: &str| header.iter().position(|column| *column == name).ok_or(format!("no column {name}"));
    let key = [place("plan_id")?, place("payee_id")?, place("period")?, place("component")?];
    let amount = place("amount")?;
    // (expected, printed) by line; a line that is missing is zero.
    let mut both: BTreeMap<[String; 4], (i64, i64)> = BTreeMap::new();
    for (plan, payee, period, component, paid) in expected(world) {
        both.entry([plan, payee, period, component]).or_default().0 += paid;
    }
    for row in rows {
        let paid = row[amount].replace('.', "").parse::<i64>().map_err(|error| error.to_string())?;
        both.entry(key.map(|place| row[place].to_owned())).or_default().1 += paid;
    }
    both.retain(|_, (expected, printed)| expected != printed);
    if both.is_empty() {
        return Ok(());
    }
    let mut report = format!("seed {}: {} lines disagree\n", world.seed, both.len());
    for (line, (expected, printed)) in both {
        let _ = writeln!(
            report,
            "{}: expected {}, printed {}",
            line.join(","),
            decimals(expected),
            decimals(printed)
        );
    }
    Err(report + &plans)
}

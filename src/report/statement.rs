//! The statement of one person: what was reached, where on the curve, which deals, what is paid, what more is worth.

use std::fmt::Write;

use spm_frame::write::Sheet;

/// Everything that a statement shows, as text and plain numbers: nothing is calculated here.
#[derive(Debug, Default)]
pub struct Statement {
    /// Name of the company or project.
    pub company: String,
    /// Name and identifier of the person.
    pub payee: String,
    /// The period.
    pub period: String,
    /// What is paid now, such as `1,250.50 USD`.
    pub payable: String,
    /// What is held until its event, when there is anything.
    pub held: Option<String>,
    /// How each payment was converted into the person's currency, as indented trees.
    pub payouts: Vec<String>,
    /// One for each line of earnings.
    pub sections: Vec<Section>,
    /// Lines, corrections, adjustments and changes of balances, which add up to each payment: what, how much, why.
    pub settled: Vec<[String; 3]>,
}

/// A line of earnings.
#[derive(Debug, Default)]
pub struct Section {
    /// Component and period.
    pub title: String,
    /// The plan that says so.
    pub plan: String,
    /// What it earned.
    pub amount: String,
    /// What to know about these numbers, such as that they are those that were posted.
    pub note: Option<String>,
    /// Label and value: measured, goal, attainment.
    pub facts: Vec<(String, String)>,
    /// Attainment as a share, for the bar.
    pub attainment: Option<f64>,
    /// Measurement and pay, for the picture.
    pub curve: Vec<(f64, f64)>,
    /// Where the person stands on the curve.
    pub here: Option<(f64, f64)>,
    /// The measurement and the pay at the end of the curve, as text.
    pub axis: (String, String),
    /// What cut or held back the pay, as sentences.
    pub words: Vec<String>,
    /// What more would be worth, as a sentence.
    pub next: Option<String>,
    /// Transaction, date, credited, earned.
    pub deals: Vec<[String; 4]>,
    /// The explanation as an indented tree.
    pub explanation: String,
}

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;color:#1d2733;max-width:860px;margin:2em auto;padding:0 1em}
h1{font-size:1.5em;margin:0}h2{font-size:1.15em;margin:0}header{display:flex;justify-content:space-between;align-items:end;border-bottom:2px solid #1d2733;padding-bottom:.7em}
.paid{text-align:right}.paid b{font-size:1.7em;display:block}.muted{color:#5b6875}section{margin:1.6em 0;padding:1em 1.2em;border:1px solid #d5dce3;border-radius:8px}
.head{display:flex;justify-content:space-between}.bar{background:#e8edf2;border-radius:5px;height:12px;margin:.6em 0;position:relative}.bar i{display:block;height:12px;border-radius:5px;background:#1f6fb2}
.bar u{position:absolute;top:-3px;height:18px;border-left:2px solid #1d2733}dl{display:flex;gap:2.2em;margin:.6em 0}dt{color:#5b6875;font-size:.85em}dd{margin:0;font-weight:600}
table{border-collapse:collapse;width:100%;margin-top:.6em}th{text-align:left;color:#5b6875;font-weight:500;font-size:.85em;border-bottom:1px solid #d5dce3}td{padding:.18em 0;border-bottom:1px solid #eef2f5}td+td,th+th{padding-left:1.2em}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}pre{overflow:auto;background:#f6f8fa;padding:.8em;font-size:12px}summary{cursor:pointer;color:#1f6fb2;margin-top:.8em}@media print{details{display:none}section{break-inside:avoid}}";

/// Text as HTML.
#[must_use]
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The statement as one page of HTML that needs nothing else.
#[must_use]
pub fn html(statement: &Statement) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{payee}, {period}</title><style>{STYLE}</style></head><body>\n<header><div><div class=\"muted\">{company} · commission statement · {period}</div><h1>{payee}</h1></div><div class=\"paid\"><span class=\"muted\">paid</span><b>{payable}</b>{held}</div></header>\n",
        payee = escaped(&statement.payee),
        period = escaped(&statement.period),
        company = escaped(&statement.company),
        payable = escaped(&statement.payable),
        held = statement
            .held
            .as_ref()
            .map_or_else(String::new, |held| format!("<span class=\"muted\">held: {}</span>", escaped(held))),
    );
    for section in &statement.sections {
        let _ = writeln!(
            page,
            "<section><div class=\"head\"><div><h2>{}</h2><span class=\"muted\">{}</span></div><h2>{}</h2></div>",
            escaped(&section.title),
            escaped(&section.plan),
            escaped(&section.amount)
        );
        if let Some(note) = &section.note {
            let _ = writeln!(page, "<p class=\"muted\">{}</p>", escaped(note));
        }
        if let Some(attainment) = section.attainment {
            let end = attainment.max(1.0) * 1.1;
            let share = |value: f64| (value.max(0.0) / end * 100.0).min(100.0);
            let _ = writeln!(
                page,
                "<div class=\"bar\" role=\"img\" aria-label=\"attainment\"><i style=\"width:{:.1}%\"></i><u style=\"left:{:.1}%\" title=\"goal\"></u></div>",
                share(attainment),
                share(1.0)
            );
        }
        page.push_str("<dl>");
        for (label, value) in &section.facts {
            let _ = write!(page, "<div><dt>{}</dt><dd>{}</dd></div>", escaped(label), escaped(value));
        }
        page.push_str("</dl>\n");
        page.push_str(&picture(section));
        for words in &section.words {
            let _ = writeln!(page, "<p>{}</p>", escaped(words));
        }
        if let Some(next) = &section.next {
            let _ = writeln!(page, "<p>{}</p>", escaped(next));
        }
        if !section.deals.is_empty() {
            page.push_str("<table><tr><th>transaction</th><th>date</th><th class=\"n\">credited</th><th class=\"n\">earned</th></tr>\n");
            for [id, date, credited, earned] in &section.deals {
                let _ = writeln!(
                    page,
                    "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                    escaped(id),
                    escaped(date),
                    escaped(credited),
                    escaped(earned)
                );
            }
            page.push_str("</table>\n");
        }
        let _ = writeln!(
            page,
            "<details><summary>how it was calculated</summary><pre>{}</pre></details></section>",
            escaped(&section.explanation)
        );
    }
    if !statement.payouts.is_empty() {
        page.push_str("<section><h2>conversion</h2>\n");
        for payout in &statement.payouts {
            let _ = writeln!(page, "<pre>{}</pre>", escaped(payout));
        }
        page.push_str("</section>\n");
    }
    if !statement.settled.is_empty() {
        page.push_str("<section><h2>how the payment comes about</h2><table><tr><th>what</th><th class=\"n\">amount</th><th>why</th></tr>\n");
        for [what, amount, why] in &statement.settled {
            let _ = writeln!(
                page,
                "<tr><td>{}</td><td class=\"n\">{}</td><td>{}</td></tr>",
                escaped(what),
                escaped(amount),
                escaped(why)
            );
        }
        page.push_str("</table></section>\n");
    }
    page.push_str("</body></html>\n");
    page
}

/// The curve with a mark where the person stands.
fn picture(section: &Section) -> String {
    let (Some(here), Some(last)) = (section.here, section.curve.last()) else { return String::new() };
    const WIDTH: f64 = 780.0;
    const HEIGHT: f64 = 150.0;
    let top = section.curve.iter().map(|(_, pay)| *pay).fold(here.1, f64::max).max(1e-9);
    let low = section.curve.iter().map(|(_, pay)| *pay).fold(0.0, f64::min);
    let x = |value: f64| value / last.0.max(1e-9) * WIDTH;
    let y = |value: f64| HEIGHT - (value - low) / (top - low).max(1e-9) * (HEIGHT - 26.0);
    let line: Vec<String> =
        section.curve.iter().map(|(at, pay)| format!("{:.1},{:.1}", x(*at), y(*pay))).collect();
    let anchor = if x(here.0) > WIDTH * 0.8 { "end" } else { "start" };
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {:.0}\" width=\"100%\" role=\"img\" aria-label=\"pay by measurement\"><line x1=\"0\" x2=\"{WIDTH}\" y1=\"{HEIGHT}\" y2=\"{HEIGHT}\" stroke=\"#d5dce3\"/><polyline fill=\"none\" stroke=\"#1f6fb2\" stroke-width=\"2\" points=\"{}\"/><circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"5\" fill=\"#c2410c\"/><text x=\"{:.1}\" y=\"{:.1}\" font-size=\"13\" fill=\"#c2410c\" text-anchor=\"{anchor}\">you are here</text><text x=\"{WIDTH}\" y=\"{:.0}\" font-size=\"12\" fill=\"#5b6875\" text-anchor=\"end\">{}</text><text x=\"0\" y=\"{:.0}\" font-size=\"12\" fill=\"#5b6875\">0</text><text x=\"{WIDTH}\" y=\"{:.1}\" font-size=\"12\" fill=\"#5b6875\" text-anchor=\"end\">{}</text></svg>\n",
        HEIGHT + 20.0,
        line.join(" "),
        x(here.0),
        y(here.1),
        x(here.0) + if anchor == "end" { -7.0 } else { 7.0 },
        (y(here.1) + 19.0).min(HEIGHT - 4.0),
        HEIGHT + 16.0,
        escaped(&section.axis.0),
        HEIGHT + 16.0,
        (y(last.1) - 6.0).max(12.0),
        escaped(&section.axis.1),
    )
}

/// The statement as the sheets of a workbook: its lines, and its deals. Each has its name, its rows and the heading's row.
#[must_use]
pub fn sheets(statement: &Statement) -> Vec<Sheet<'_>> {
    let mut rows: Vec<Vec<&str>> = vec![
        vec![&statement.company, "commission statement", &statement.period],
        vec![&statement.payee, "paid", &statement.payable],
        vec![],
        vec!["component", "plan", "earned"],
    ];
    let mut deals: Vec<Vec<&str>> = vec![vec!["component", "transaction", "date", "credited", "earned"]];
    for section in &statement.sections {
        let mut row: Vec<&str> = vec![&section.title, &section.plan, &section.amount];
        row.extend(section.facts.iter().flat_map(|(label, value)| [label.as_str(), value.as_str()]));
        row.extend(section.note.as_deref());
        row.extend(section.words.iter().map(String::as_str));
        rows.push(row);
        deals.extend(section.deals.iter().map(|[id, date, credited, earned]| -> Vec<&str> {
            vec![&section.title, id, date, credited, earned]
        }));
    }
    rows.extend(statement.payouts.iter().flat_map(|payout| payout.lines().map(|line| vec![line])));
    let mut sheets = vec![
        // What was earned, and each second column behind it: the measurement, the goal, the attainment.
        Sheet { name: "statement", rows, heading: 3, amounts: &[2, 4, 6, 8] },
        Sheet { name: "deals", rows: deals, heading: 0, amounts: &[3, 4] },
    ];
    // Lines become payments by what balances add and take: a sum of its own.
    if !statement.settled.is_empty() {
        let mut rows: Vec<Vec<&str>> = vec![vec!["what", "why", "amount"]];
        let settled = statement.settled.iter();
        rows.extend(settled.map(|[what, amount, why]| -> Vec<&str> { vec![what, why, amount] }));
        sheets.push(Sheet { name: "payment", rows, heading: 0, amounts: &[2] });
    }
    sheets
}

#[cfg(test)]
mod tests {
    use super::{Section, Statement, sheets};

    #[test]
    fn a_workbook_has_what_was_reached_as_numbers_and_payments_apart() {
        let section = Section {
            amount: "10.00 USD".to_owned(),
            facts: vec![
                ("sales".to_owned(), "1,000.00".to_owned()),
                ("goal".to_owned(), "2,000.00".to_owned()),
            ],
            ..Section::default()
        };
        let settled = vec![["x".to_owned(), "10.00".to_owned(), String::new()]];
        let statement = Statement { sections: vec![section], settled, ..Statement::default() };
        let sheets = sheets(&statement);
        let names: Vec<&str> = sheets.iter().map(|sheet| sheet.name).collect();
        assert_eq!(names, ["statement", "deals", "payment"]);
        // Each amount is in a column of numbers, and each line of earnings stands once.
        assert_eq!(sheets[0].rows[4], ["", "", "10.00 USD", "sales", "1,000.00", "goal", "2,000.00"]);
        assert_eq!((sheets[0].rows.len(), sheets[0].amounts), (5, &[2, 4, 6, 8][..]));
        assert_eq!(sheets[2].rows[1], ["x", "", "10.00"]);
    }
}

//! What periods book, as tables: payments, lines, balances; and explanations as the ledger keeps them.

use std::io;

use serde_json::Value;
use spm_core::engine::ledger::{Account, Line, Movement, Payment, Settlement};
use spm_core::ground::period::Calendar;
use spm_frame::table::Table;
use spm_frame::write::Builder;

/// The most decimals of the currencies of a settlement, for columns of amounts.
fn decimals(settlements: &[&Settlement]) -> u32 {
    let lines =
        settlements.iter().flat_map(|all| all.payments.iter().map(|payment| payment.who.currency.decimals()));
    lines.max().unwrap_or(2)
}

/// Minor units in a column with the most decimals.
pub fn units(value: i128, own: u32, most: u32) -> io::Result<Option<i64>> {
    let scaled = value.checked_mul(10i128.pow(most - own)).and_then(|value| i64::try_from(value).ok());
    scaled.map(Some).ok_or_else(|| io::Error::other(format!("{value} minor units do not fit 64 bits")))
}

/// payee_id, period, currency, amount, held: what is paid, and what is added to what is held.
pub fn payments(calendar: &Calendar, settlements: &[&Settlement]) -> io::Result<Table> {
    let most = decimals(settlements);
    let rows: Vec<(&Settlement, &Payment)> =
        settlements.iter().flat_map(|all| all.payments.iter().map(move |payment| (*all, payment))).collect();
    let held = |settlement: &Settlement, payment: &Payment| {
        let own = |movement: &&Movement| movement.who == payment.who && movement.account == Account::Held;
        settlement.movements.iter().find(own).map_or(0, |movement| movement.change)
    };
    let amounts =
        rows.iter().map(|(_, payment)| units(payment.amount, payment.who.currency.decimals(), most));
    let helds =
        rows.iter().map(|(all, payment)| units(held(all, payment), payment.who.currency.decimals(), most));
    Builder::default()
        .text("payee_id", rows.iter().map(|(_, payment)| Some(payment.who.payee.as_str())))
        .text("period", rows.iter().map(|(all, _)| Some(calendar.periods()[all.period].name.as_str())))
        .text("currency", rows.iter().map(|(_, payment)| Some(payment.who.currency.code())))
        .number("amount", most, amounts.collect::<io::Result<Vec<_>>>()?)
        .number("held", most, helds.collect::<io::Result<Vec<_>>>()?)
        .table()
}

/// period, payee_id, origin, kind, plan_id, component, currency, earned, payable, cause: every line that is booked, or
/// only corrections of posted periods and adjustments.
pub fn lines(calendar: &Calendar, settlements: &[&Settlement], corrections: bool) -> io::Result<Table> {
    let most = decimals(settlements);
    let wanted = |line: &&Line| !corrections || line.cause.is_some();
    let rows: Vec<(&Settlement, &Line)> = settlements
        .iter()
        .flat_map(|all| all.lines.iter().filter(wanted).map(move |line| (*all, line)))
        .collect();
    let name = |period: usize| Some(calendar.periods()[period].name.as_str());
    let amount = |pick: fn(&Line) -> i128| {
        rows.iter()
            .map(|(_, line)| units(pick(line), line.key.who.currency.decimals(), most))
            .collect::<io::Result<Vec<_>>>()
    };
    Builder::default()
        .text("period", rows.iter().map(|(all, _)| name(all.period)))
        .text("payee_id", rows.iter().map(|(_, line)| Some(line.key.who.payee.as_str())))
        .text("origin", rows.iter().map(|(_, line)| name(line.key.origin)))
        .text("kind", rows.iter().map(|(_, line)| Some(line.key.kind.name())))
        .text("plan_id", rows.iter().map(|(_, line)| Some(line.key.plan.as_str())))
        .text("component", rows.iter().map(|(_, line)| Some(line.key.component.as_str())))
        .text("currency", rows.iter().map(|(_, line)| Some(line.key.who.currency.code())))
        .number("earned", most, amount(|line| line.amounts.earned)?)
        .number("payable", most, amount(|line| line.amounts.payable)?)
        .text("cause", rows.iter().map(|(_, line)| line.cause.as_deref()))
        .table()
}

/// period, payee_id, currency, account, opening, change, closing.
pub fn balances(calendar: &Calendar, settlements: &[&Settlement]) -> io::Result<Table> {
    let most = decimals(settlements);
    let rows: Vec<(&Settlement, &Movement)> = settlements
        .iter()
        .flat_map(|all| all.movements.iter().map(move |movement| (*all, movement)))
        .collect();
    let amount = |pick: fn(&Movement) -> i128| {
        rows.iter()
            .map(|(_, movement)| units(pick(movement), movement.who.currency.decimals(), most))
            .collect::<io::Result<Vec<_>>>()
    };
    Builder::default()
        .text("period", rows.iter().map(|(all, _)| Some(calendar.periods()[all.period].name.as_str())))
        .text("payee_id", rows.iter().map(|(_, movement)| Some(movement.who.payee.as_str())))
        .text("currency", rows.iter().map(|(_, movement)| Some(movement.who.currency.code())))
        .text("account", rows.iter().map(|(_, movement)| Some(movement.account.name())))
        .number("opening", most, amount(|movement| movement.opening)?)
        .number("change", most, amount(|movement| movement.change)?)
        .number("closing", most, amount(Movement::closing)?)
        .table()
}

/// An explanation as the ledger keeps it, as an indented tree. What was shown before is not unfolded again.
#[must_use]
pub fn tree(node: &Value) -> String {
    let (mut text, mut shown) = (String::new(), Vec::new());
    branch(node, "", "", &mut shown, &mut text);
    text
}

fn branch<'v>(node: &'v Value, head: &str, indent: &str, shown: &mut Vec<&'v Value>, text: &mut String) {
    let field = |name: &str| node[name].as_str().unwrap_or_default();
    let children = node["of"].as_array().map_or(&[][..], Vec::as_slice);
    let again = !children.is_empty() && shown.contains(&node);
    let how = match field("how") {
        "" => String::new(),
        _ if again => " (as above)".to_owned(),
        how => format!(" = {how}"),
    };
    let clause = if field("clause").is_empty() { String::new() } else { format!("   [{}]", field("clause")) };
    *text += &format!("{head}{}: {}{how}{clause}\n", field("label"), field("shown"));
    if again {
        return;
    }
    shown.push(node);
    for (index, child) in children.iter().enumerate() {
        let last = index + 1 == children.len();
        let (mark, bar) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        branch(child, &format!("{indent}{mark}"), &format!("{indent}{bar}"), shown, text);
    }
}

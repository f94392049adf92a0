//! What a component would pay had the payee reached something else: the curve of a statement, and what more is worth.

use std::collections::BTreeMap;

use super::problem::{Amounts, Cell, Prepared, Problem};
use super::{Earning, LineOf, earned};
use crate::ground::diagnostic::Diagnostic;
use crate::ground::rational::Rational;
use crate::plan::comp::{MeasureSource, Pay, Window};

/// What the payee of a line would earn with `more` measured in its period: the same line, calculated again. `None` for
/// components that look at single transactions, at other people, or at no measure of their own.
pub fn with_more(
    problem: &Problem<'_>,
    line: &Earning,
    more: &[Rational],
) -> Result<Option<Vec<Earning>>, Diagnostic> {
    let LineOf::Component(index) = line.of else { return Ok(None) };
    let component = &problem.plan.components[index];
    let Some(measure) = component.measure else { return Ok(None) };
    let definition = &problem.plan.measures[measure];
    let alone = definition.team.is_none()
        && definition.window != Window::Transaction
        && matches!(definition.source, MeasureSource::Credits(..))
        && !problem.plan.measures.iter().any(|other| {
            !matches!(other.source, MeasureSource::Credits(..) | MeasureSource::Formula(..))
                && other.is_of_others()
        })
        && !matches!(component.pay, Pay::Rank { .. } | Pay::Pool { .. });
    if !alone {
        return Ok(None);
    }
    // Cells are in the order of payees.
    let of = |payee| Cell { payee, measure: 0, period: 0 };
    let mine = of(line.payee)..of(line.payee + 1);
    let own = problem.measurements.range(mine.clone());
    let own: BTreeMap<Cell, Amounts> =
        own.map(|(cell, amounts)| (Cell { payee: 0, ..*cell }, amounts.clone())).collect();
    let deals = problem.deals.range(mine);
    let deals = deals.map(|(cell, deals)| (Cell { payee: 0, ..*cell }, deals.clone())).collect();
    let mut results = Vec::new();
    for more in more {
        let mut measurements = own.clone();
        let cell = Cell { payee: 0, measure, period: line.period };
        measurements.entry(cell).or_default().sum += more;
        let alone = Problem {
            payees: &problem.payees[line.payee..=line.payee],
            measurements: &measurements,
            deals: &deals,
            periods: line.period..line.period + 1,
            ..problem.clone()
        };
        // What nobody states is told by the calculation itself; what is not there at a supposed point is no fault.
        let again =
            earned(&alone, &mut Prepared::of(&alone))?.lines.into_iter().find(|again| again.of == line.of);
        results.extend(again);
    }
    Ok(Some(results))
}

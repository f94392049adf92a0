//! What a component would pay had the payee reached something else: the curve of a statement, and what more is worth.

use std::collections::BTreeMap;

use super::problem::{Amounts, Cell, Prepared, Problem};
use super::{Earning, LineOf, earned};
use crate::ground::diagnostic::Diagnostic;
use crate::ground::rational::Rational;
use crate::plan::comp::{MeasureSource, Pay, Window};

/// What one more deal of a size would earn at the end of the period of a line.
#[derive(Clone, Debug)]
pub struct OneMore {
    /// In the line.
    pub here: Rational,
    /// With all lines of the plan, its cap and its guarantee; `None` where they look at other people.
    pub in_all: Option<Rational>,
}

/// What one more deal would earn; `None` for whoever has left the plan before the end of the period, and where
/// [`with_more`] knows nothing.
pub fn one_more(
    problem: &Problem<'_>,
    line: &Earning,
    size: &Rational,
) -> Result<Option<OneMore>, Diagnostic> {
    if problem.there(line.payee, problem.last_of(line.period)).is_empty() {
        return Ok(None);
    }
    let both = [Rational::zero(), size.clone()];
    let Some(worlds) = worlds(problem, line, &both)? else { return Ok(None) };
    let [before, after] = worlds.as_slice() else { return Ok(None) };
    let here =
        |lines: &[Earning]| lines.iter().find(|again| again.of == line.of).map(|again| again.amount.exact());
    let (Some(less), Some(more)) = (here(before), here(after)) else { return Ok(None) };
    let sum = |lines: &[Earning]| lines.iter().map(|again| again.amount.exact()).sum::<Rational>();
    let looks_at_others = problem.plan.measures.iter().any(|measure| measure.team.is_some())
        || problem.plan.components.iter().any(|own| matches!(own.pay, Pay::Rank { .. } | Pay::Pool { .. }));
    let in_all = (!looks_at_others).then(|| &sum(after) - &sum(before));
    Ok(Some(OneMore { here: &more - &less, in_all }))
}

/// What the payee of a line would earn with `more` measured in its period: the same line, calculated again. `None` for
/// components that look at single transactions, at other people, or at no measure of their own.
pub fn with_more(
    problem: &Problem<'_>,
    line: &Earning,
    more: &[Rational],
) -> Result<Option<Vec<Earning>>, Diagnostic> {
    let Some(worlds) = worlds(problem, line, more)? else { return Ok(None) };
    let own = |lines: Vec<Earning>| lines.into_iter().find(|again| again.of == line.of);
    Ok(Some(worlds.into_iter().filter_map(own).collect()))
}

/// The lines of the payee in the period with each of `more`.
fn worlds(
    problem: &Problem<'_>,
    line: &Earning,
    more: &[Rational],
) -> Result<Option<Vec<Vec<Earning>>>, Diagnostic> {
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
        results.push(earned(&alone, &mut Prepared::of(&alone))?.lines);
    }
    Ok(Some(results))
}

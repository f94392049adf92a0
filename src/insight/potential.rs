//! A potential plan carried out: what seats are like from the tables, the engine, expectations with their parts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::json;
use spm_core::engine::forecast::{Tree, in_units};
use spm_core::engine::potential::{self, Outcome, Problem, Row, SEATS_MIN, verify};
use spm_core::engine::statistics::mean;
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::rational::Rational;
use spm_core::plan::expression::Expression;
use spm_core::plan::potential::{From, PotentialPlan};
use spm_core::plan::project::Project;
use spm_frame::facts::{by_holder, by_rep, people};
use spm_frame::load::Tables;
use spm_frame::series::{Selection, series};
use spm_frame::table::Table;
use spm_frame::write::Builder;

use super::forecast::range;
use super::there::{Parts, There};
use super::{fault, units};

/// A model with the expectations of seats.
pub struct Potential<'a> {
    plan: &'a PotentialPlan,
    ids: Vec<String>,
    /// By seat: expected, low, high, what it sold in `learn`, base, and the part of each input, in units of 10^-decimals.
    rows: Vec<Expected>,
    outcome: Outcome,
    decimals: u32,
    /// What a user should know, as sentences.
    pub notes: Vec<String>,
}

struct Expected {
    amount: i64,
    low: i64,
    high: i64,
    last: Option<i64>,
    parts: Vec<i64>,
}

type ByHolder = BTreeMap<String, f64>;
/// Of a seat; none where one is missing.
type Inputs = Vec<Option<f64>>;
/// Mean, standard deviation and weight of an input.
type Scaled = (f64, f64, f64);

/// Reads sums of transactions by holder.
struct Sums<'a> {
    plan: &'a PotentialPlan,
    project: &'a Project,
    tables: &'a Tables,
}

impl Sums<'_> {
    fn over(
        &self,
        amount: &Expression,
        condition: Option<&Expression>,
        periods: Range<usize>,
    ) -> Result<ByHolder, Diagnostic> {
        let by = [self.plan.by.clone()];
        let selection = Selection { amount, condition, by: &by, place: &self.plan.place };
        let code = self.project.currency.code();
        let own = series(selection, self.tables, &self.project.calendar, periods, code)?;
        let unit = 10f64.powi(own.decimals as i32);
        let sum = |sums: &Vec<i128>| sums.iter().sum::<i128>() as f64 / unit;
        Ok(own.groups.iter().filter_map(|(key, sums)| Some((key[0].clone()?, sum(sums)))).collect())
    }

    /// The inputs of all holders at the start of a stretch, by input.
    fn inputs(&self, before: &Range<usize>) -> Result<Vec<ByHolder>, Diagnostic> {
        let floats = |values: BTreeMap<String, Rational>| -> ByHolder {
            values.into_iter().map(|(id, value)| (id, value.to_f64_for_display())).collect()
        };
        let holder = if self.plan.by.table == "accounts" { &self.plan.by.column } else { "owner_id" };
        self.plan
            .inputs
            .iter()
            .map(|input| match &input.from {
                From::Reps(own) => Ok(floats(by_rep(self.tables, own, &input.place)?)),
                From::Accounts(own) => Ok(floats(by_holder(self.tables, own, holder, &input.place)?)),
                From::Transactions(own, condition) => self.over(own, condition.as_ref(), before.clone()),
            })
            .collect()
    }
}

/// The value of an input for a holder: sums of nothing are 0, a number of a rep may be missing, and what somebody sold is as if
/// they had been there for all of the stretch; missing where they were there for too little of it.
fn value(plan: &PotentialPlan, input: usize, values: &ByHolder, id: &str, before: &Parts<'_>) -> Option<f64> {
    let known = values.get(id).copied();
    match plan.inputs[input].from {
        From::Reps(_) => known,
        From::Accounts(_) => Some(known.unwrap_or(0.0)),
        From::Transactions(..) => before.whole(id, known.unwrap_or(0.0)),
    }
}

/// Carries out a plan.
pub fn make<'a>(
    plan: &'a PotentialPlan,
    project: &Project,
    tables: &Tables,
) -> Result<Potential<'a>, Diagnostic> {
    let learn = range(&plan.learn.0, &project.calendar, &plan.learn.1)?;
    let length = learn.len();
    let needed = length * plan.seasons + length;
    if learn.end < needed {
        let message = format!(
            "{} stretch(es) of {length} period(s) and one before need {needed} periods up to the end of {}, and the calendar has {}",
            plan.seasons, plan.learn.0, learn.end
        );
        return Err(fault(Code::SPM431, message, &plan.learn.1)
            .hint("learn from fewer `seasons` or a shorter `learn`"));
    }
    let ids = people(tables, plan.eligible.as_ref(), &plan.place)?;
    let sums = Sums { plan, project, tables };
    let there = There::of(None, project, tables, learn.clone())?;
    let (mut partly, mut away) = (BTreeSet::new(), BTreeSet::new());
    let mut raw: Vec<(usize, Inputs, f64, Option<f64>)> = Vec::new();
    for stretch in (0..plan.seasons).rev() {
        let now = learn.start - stretch * length..learn.end - stretch * length;
        let before = now.start - length..now.start;
        let (parts, parts_before) = (there.parts(now.clone()), there.parts(before.clone()));
        let inputs = sums.inputs(&before)?;
        let sold = sums.over(&plan.amount, plan.condition.as_ref(), now)?;
        let earlier = sums.over(&plan.amount, plan.condition.as_ref(), before)?;
        for (seat, id) in ids.iter().enumerate() {
            let of = |sums: &ByHolder| sums.get(id).copied().unwrap_or(0.0);
            let (sold, earlier) = (of(&sold), of(&earlier));
            // Who sold nothing in either stretch was not there.
            if sold == 0.0 && earlier == 0.0 {
                continue;
            }
            let Some(whole) = parts.whole(id, sold) else {
                away.insert(seat);
                continue;
            };
            if whole != sold {
                partly.insert(seat);
            }
            let input = |(input, values)| value(plan, input, values, id, &parts_before);
            let own = inputs.iter().enumerate().map(input);
            raw.push((seat, own.collect(), whole, parts_before.whole(id, earlier)));
        }
    }
    let seats: BTreeSet<usize> = raw.iter().map(|row| row.0).collect();
    if seats.len() < SEATS_MIN {
        let message =
            format!("{} seat(s) with sales to learn from, and a model needs {SEATS_MIN}", seats.len());
        return Err(fault(Code::SPM431, message, &plan.place)
            .hint("check `eligible`, `by` and `where`, or learn from more periods"));
    }
    let mut notes = Vec::new();
    let means: Vec<f64> = (0..plan.inputs.len())
        .map(|input| mean(&raw.iter().filter_map(|row| row.1[input]).collect::<Vec<_>>()))
        .collect();
    let filled = |values: Inputs| -> Vec<f64> {
        values.into_iter().zip(&means).map(|(value, mean)| value.unwrap_or(*mean)).collect()
    };
    let mut note = |seats: &BTreeSet<usize>, words: &str| {
        if !seats.is_empty() {
            notes.push(format!("{} seat(s) {words}", seats.len()));
        }
    };
    note(
        &partly,
        "were there for part of a stretch: what they sold counts as if they had been there for all of it",
    );
    note(&away, "were there for less than a quarter of a stretch, which is not learned from");
    let missing = raw.iter().filter(|row| row.1.iter().any(Option::is_none)).count();
    if missing > 0 {
        notes.push(format!("{missing} row(s) lack an input; the mean of the others stands for it"));
    }
    let problem = Problem {
        rows: raw
            .into_iter()
            .map(|(seat, inputs, sold, before)| Row { seat, inputs: filled(inputs), sold, before })
            .collect(),
        interval: plan.interval.to_f64_for_display(),
    };
    let outcome = potential::fit(&problem)
        .ok_or_else(|| fault(Code::SPM431, "the inputs do not allow a model", &plan.place))?;
    if let Some(first) = verify(&problem, &outcome).first() {
        return Err(fault(Code::SPM502, first.clone(), &plan.place));
    }
    let decimals = project.currency.decimals();
    let now = sums.inputs(&learn)?;
    let parts = there.parts(learn.clone());
    let last = sums.over(&plan.amount, plan.condition.as_ref(), learn.clone())?;
    let mut rows = Vec::new();
    for id in &ids {
        let own = now.iter().enumerate().map(|(input, values)| value(plan, input, values, id, &parts));
        rows.push(expected(&outcome, &filled(own.collect()), last.get(id).copied(), decimals, plan)?);
    }
    let errors = outcome.errors;
    let amount = |value: f64| format!("{value:.0}");
    notes.insert(
        0,
        format!(
            "{}: learned from {} rows of {} seats; penalty {} chosen by cross-validation",
            plan.title,
            problem.rows.len(),
            seats.len(),
            outcome.model.penalty
        ),
    );
    notes.push(format!(
        "mean error for seats not learned from: model {}, same as before {}, mean of the others {}; variance explained {:.0}%",
        amount(errors.model),
        errors.same.map_or_else(|| "-".to_owned(), |(same, _)| amount(same)),
        amount(errors.mean),
        errors.explained * 100.0
    ));
    if errors.same.is_some_and(|(same, model)| same <= model) {
        notes.push(
            "\"the same as before\" errs less than the model: use the model as a check, not as a weight"
                .to_owned(),
        );
    } else if errors.mean <= errors.model {
        notes.push("the mean of the others errs less than the model: the inputs tell nothing".to_owned());
    }
    Ok(Potential { plan, ids, rows, outcome, decimals, notes })
}

fn expected(
    outcome: &Outcome,
    inputs: &[f64],
    last: Option<f64>,
    decimals: u32,
    plan: &PotentialPlan,
) -> Result<Expected, Diagnostic> {
    let range_error = || fault(Code::SPM402, "an expectation does not fit 64 bits", &plan.place);
    let mut parts = vec![outcome.model.base];
    parts.extend(outcome.model.parts(inputs));
    // Nobody is expected to sell less than nothing.
    parts.push((-parts.iter().sum::<f64>()).max(0.0));
    let total: f64 = parts.iter().sum();
    let mut parents = vec![Some(0); parts.len() + 1];
    parents[0] = None;
    let all: Vec<f64> = std::iter::once(total).chain(parts).collect();
    let all = in_units(&Tree::new(parents), &all, 10f64.powi(decimals as i32)).ok_or_else(range_error)?;
    let all: Vec<i64> =
        all.into_iter().map(i64::try_from).collect::<Result<_, _>>().map_err(|_| range_error())?;
    let end = |value: f64| units(Some(value.max(0.0)), decimals).ok_or_else(range_error);
    Ok(Expected {
        amount: all[0],
        low: end(total - outcome.width)?.min(all[0]),
        high: end(total + outcome.width)?.max(all[0]),
        last: units(last, decimals),
        parts: all[1..].to_vec(),
    })
}

impl Potential<'_> {
    /// A row for each seat: what is expected, and the parts that add up to it.
    pub fn model_table(&self) -> std::io::Result<Table> {
        let column = |pick: &dyn Fn(&Expected) -> Option<i64>| -> Vec<Option<i64>> {
            self.rows.iter().map(pick).collect()
        };
        let mut table = Builder::default()
            .text("rep_id", self.ids.iter().map(Some))
            .number("expected", self.decimals, column(&|row| Some(row.amount)))
            .number("low", self.decimals, column(&|row| Some(row.low)))
            .number("high", self.decimals, column(&|row| Some(row.high)))
            .number("last", self.decimals, column(&|row| row.last))
            .number("base", self.decimals, column(&|row| Some(row.parts[0])));
        for (index, input) in self.plan.inputs.iter().enumerate() {
            let name = format!("from_{}", input.name);
            table = table.number(&name, self.decimals, column(&|row| Some(row.parts[index + 1])));
        }
        let end = self.plan.inputs.len() + 1;
        table.number("at_least_zero", self.decimals, column(&|row| Some(row.parts[end]))).table()
    }

    /// A row for each input: its unit, what one unit is worth, and what one standard deviation is worth.
    pub fn coefficients_table(&self) -> std::io::Result<Table> {
        let rows: Vec<_> = self.plan.inputs.iter().zip(&self.outcome.model.inputs).collect();
        let number = |pick: fn(&Scaled) -> Option<f64>| -> Vec<Option<i64>> {
            rows.iter().map(|(_, own)| units(pick(own), 4)).collect()
        };
        Builder::default()
            .text("input", rows.iter().map(|(input, _)| Some(input.name.as_str())))
            .text(
                "unit",
                rows.iter().map(|(input, _)| Some(input.unit.as_str()).filter(|unit| !unit.is_empty())),
            )
            .number("mean", 4, number(|own| Some(own.0)))
            .number("standard_deviation", 4, number(|own| Some(own.1)))
            .number("per_unit", 4, number(|own| (own.1 > 0.0).then(|| own.2 / own.1)))
            .number("per_standard_deviation", 4, number(|own| Some(own.2)))
            .table()
    }

    /// How the model was made, for programs.
    #[must_use]
    pub fn result_json(&self, provenance: &[(String, String)]) -> String {
        let number = |value: f64| units(Some(value), 6).map(|units| units as f64 / 1e6);
        let errors = self.outcome.errors;
        let inputs: Vec<_> = self
            .plan
            .inputs
            .iter()
            .zip(&self.outcome.model.inputs)
            .map(|(input, own)| {
                json!({
                    "input": input.name,
                    "unit": input.unit,
                    "mean": number(own.0),
                    "standard_deviation": number(own.1),
                    "per_standard_deviation": number(own.2),
                })
            })
            .collect();
        let tried: Vec<_> = potential::PENALTIES
            .iter()
            .zip(&self.outcome.tried)
            .map(|(penalty, error)| json!({ "penalty": penalty, "root_mean_squared_error": number(error.sqrt()) }))
            .collect();
        let provenance: serde_json::Map<String, serde_json::Value> =
            provenance.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        format!(
            "{:#}\n",
            json!({
                "schema": "spm.potential.result/1",
                "plan": self.plan.id,
                "base": number(self.outcome.model.base),
                "inputs": inputs,
                "penalty": self.outcome.model.penalty,
                "penalties_tried": tried,
                "error_out_of_sample": {
                    "model": number(errors.model),
                    "same_as_before": errors.same.and_then(|(same, _)| number(same)),
                    "model_where_there_before": errors.same.and_then(|(_, model)| number(model)),
                    "mean_of_others": number(errors.mean),
                    "variance_explained": number(errors.explained),
                },
                "interval_to_each_side": number(self.outcome.width),
                "notes": self.notes,
                "provenance": provenance,
            })
        )
    }
}

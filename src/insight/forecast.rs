//! A forecast plan carried out: series and pipeline from the tables, the engine, the rows that are written and printed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::json;
use spm_core::engine::forecast::{
    self, Model, Outcome, Problem, Reconcile, Score, Source, Tree, in_units, verify,
};
use spm_core::ground::diagnostic::{Code, Diagnostic, suggestion};
use spm_core::ground::period::{Calendar, Group};
use spm_core::ground::source::TextPlace;
use spm_core::plan::forecast::ForecastPlan;
use spm_core::plan::project::Project;
use spm_frame::load::Tables;
use spm_frame::series::{Key, PipelineRows, Selection, Series, pipeline, series};
use spm_frame::table::Table;
use spm_frame::write::Builder;

use super::{fault, units};

/// Decimals of the errors that are printed.
const ERROR_DECIMALS: u32 = 3;

/// A forecast with the names of its rows.
pub struct Forecast<'a> {
    plan: &'a ForecastPlan,
    /// Level and name of each node; the first is the whole.
    names: Vec<(String, String)>,
    /// Names of the periods that are forecast.
    periods: Vec<String>,
    /// Names of the periods learned from.
    history: Vec<String>,
    problem: Problem,
    outcome: Outcome,
    /// By node and period: low, amount, high in units of 10^-decimals.
    amounts: Vec<Vec<(i64, i64, i64)>>,
    /// By node and period: the pipeline in the same units.
    pipeline: Option<Vec<Vec<i64>>>,
    stages: Option<PipelineRows>,
    decimals: u32,
}

/// The periods that a plan names.
pub(super) fn range(text: &str, calendar: &Calendar, place: &TextPlace) -> Result<Range<usize>, Diagnostic> {
    calendar.resolve(text).map_err(|error| {
        let names = calendar.periods().iter().map(|period| period.name.as_str());
        let all = calendar.periods();
        fault(Code::SPM012, error.to_string(), place).hint(match suggestion(text, names) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("the calendar runs from {} to {}", all[0].name, all[all.len() - 1].name),
        })
    })
}

/// What is forecast, from the tables.
struct Asked {
    /// Periods that are forecast.
    wanted: Range<usize>,
    /// Periods that are learned from.
    known: Range<usize>,
    problem: Problem,
    names: Names,
    stages: Option<PipelineRows>,
}

/// What keeps a plan from being carried out, without carrying it out.
pub fn check(plan: &ForecastPlan, project: &Project, tables: &Tables) -> Result<(), Diagnostic> {
    ask(plan, project, tables).map(|_| ())
}

fn ask(plan: &ForecastPlan, project: &Project, tables: &Tables) -> Result<Asked, Diagnostic> {
    let calendar = &project.calendar;
    let name = |period: usize| calendar.periods()[period].name.as_str();
    let wanted = range(&plan.periods.0, calendar, &plan.periods.1)?;
    let stated = plan.history.as_ref().map(|(text, place)| range(text, calendar, place)).transpose()?;
    let known = stated.clone().unwrap_or(0..wanted.start);
    if known.end > wanted.start {
        let place = plan.history.as_ref().map_or(&plan.place, |(_, place)| place);
        let message =
            format!("the history ends with {}, not before {}", name(known.end - 1), name(wanted.start));
        let own = fault(Code::SPM304, message, place);
        return Err(own.hint("a forecast may not know what it forecasts: end `history` earlier"));
    }
    let selection = Selection {
        amount: &plan.amount,
        condition: plan.condition.as_ref(),
        by: &plan.by,
        place: &plan.place,
    };
    let sold = series(selection, tables, calendar, known.clone(), project.currency.code())?;
    let Some(first) = sold.rows.iter().position(|rows| *rows > 0) else {
        let message = format!("no transaction qualifies before {}", name(wanted.start));
        return Err(fault(Code::SPM404, message, &plan.place)
            .hint("check `where`, `history` and the dates of transactions; `spm check` counts the rows"));
    };
    // A history that nobody has stated ends with the last transaction: what has not happened yet is no sale of zero.
    let last = sold.rows.iter().rposition(|rows| *rows > 0).unwrap_or(first);
    let known = if stated.is_some() { known } else { known.start..known.start + last + 1 };
    let skip = if stated.is_some() { 0 } else { first };
    let season = plan.season.unwrap_or_else(|| calendar.group(wanted.start, Group::Year).len());
    let length = known.len() - skip;
    if length < season {
        let message = format!("{length} period(s) of history, and a season has {season}");
        return Err(fault(Code::SPM431, message, &plan.place).hint(
            "give a longer `history`, or a shorter `season` (1: none); from two seasons on models can be tested",
        ));
    }
    let rows = match &plan.pipeline {
        Some(own) => Some(pipeline(plan, own, tables, calendar, wanted.clone())?),
        None => None,
    };
    let groups = groups(&sold, rows.as_ref());
    let (tree, names) = tree(plan, &project.name, &groups);
    let history = histories(&tree, &names.leaves, &sold, skip, length);
    let origins = plan.origins.unwrap_or(season.max(8));
    let problem = Problem {
        history,
        season,
        periods: wanted.end - known.end,
        models: plan.models.iter().filter_map(|name| Model::from_name(name)).collect(),
        reconcile: Reconcile::from_name(&plan.reconcile).unwrap_or(Reconcile::Structural),
        interval: plan.interval.to_f64_for_display(),
        origins,
        fall_back: plan.fall_back,
        tree,
    };
    Ok(Asked { wanted, known: known.start + skip..known.end, problem, names, stages: rows })
}

/// Carries out a plan.
pub fn make<'a>(
    plan: &'a ForecastPlan,
    project: &Project,
    tables: &Tables,
) -> Result<Forecast<'a>, Diagnostic> {
    let Asked { wanted, known, problem, names, stages: rows } = ask(plan, project, tables)?;
    let name = |period: usize| project.calendar.periods()[period].name.clone();
    let outcome = forecast::forecast(&problem)
        .ok_or_else(|| fault(Code::SPM431, "the history is too short for a forecast", &plan.place))?;
    let decimals = project.currency.decimals();
    let per_unit = 10f64.powi(decimals as i32);
    let wrong = verify(&problem, &outcome, per_unit);
    if let Some(first) = wrong.first() {
        return Err(fault(Code::SPM502, first.clone(), &plan.place));
    }
    let range_error = || fault(Code::SPM402, "a forecast does not fit 64 bits", &plan.place);
    let gap = wanted.start - known.end;
    let expected = rows.as_ref().map(|rows| expected(&problem.tree, &names.leaves, rows, wanted.len()));
    let weight = plan.pipeline.as_ref().map_or(0.0, |own| own.weight.to_f64_for_display());
    let count = names.shown.len();
    let (mut amounts, mut shown) = (vec![Vec::new(); count], vec![Vec::new(); count]);
    for period in 0..wanted.len() {
        let mut values: Vec<(f64, f64, f64)> =
            outcome.nodes.iter().map(|node| node.amounts[gap + period]).collect();
        if let Some(expected) = &expected {
            let own: Vec<f64> = expected.iter().map(|node| node[period]).collect();
            if own[0] > 0.0 && weight > 0.0 {
                for (value, own) in values.iter_mut().zip(&own) {
                    let shift = weight * (own - value.1);
                    *value = (value.0 + shift, value.1 + shift, value.2 + shift);
                }
            }
            let all = in_units(&problem.tree, &own, per_unit).ok_or_else(range_error)?;
            for (node, own) in shown.iter_mut().zip(all) {
                node.push(i64::try_from(own).map_err(|_| range_error())?);
            }
        }
        let middle: Vec<f64> = values.iter().map(|value| value.1).collect();
        let all = in_units(&problem.tree, &middle, per_unit).ok_or_else(range_error)?;
        for ((node, value), own) in amounts.iter_mut().zip(&values).zip(all) {
            let amount = i64::try_from(own).map_err(|_| range_error())?;
            let end = |value: f64| units(Some(value), decimals).ok_or_else(range_error);
            // Largest remainder may move an amount past the end of an interval without width.
            node.push((end(value.0)?.min(amount), amount, end(value.2)?.max(amount)));
        }
    }
    Ok(Forecast {
        plan,
        names: names.shown,
        periods: wanted.map(name).collect(),
        history: known.map(name).collect(),
        problem,
        outcome,
        amounts,
        pipeline: expected.is_some().then_some(shown),
        stages: rows,
        decimals,
    })
}

/// Every group that has a history or a pipeline.
fn groups(sold: &Series, pipeline: Option<&PipelineRows>) -> BTreeSet<Key> {
    let open = pipeline.into_iter().flat_map(|rows| rows.groups.keys().cloned());
    sold.groups.keys().cloned().chain(open).collect()
}

/// Names of nodes.
struct Names {
    /// Level and name as shown.
    shown: Vec<(String, String)>,
    /// Node of each smallest group.
    leaves: BTreeMap<Key, usize>,
}

/// The tree of the groups. A group is named after its path, because one name may occur below two others.
fn tree(plan: &ForecastPlan, whole: &str, groups: &BTreeSet<Key>) -> (Tree, Names) {
    let mut parent = vec![None];
    let mut shown = vec![("total".to_owned(), whole.to_owned())];
    let mut seen: BTreeMap<Key, usize> = BTreeMap::from([(vec![], 0)]);
    for key in groups {
        for depth in 1..=key.len() {
            if seen.contains_key(&key[..depth]) {
                continue;
            }
            let words: Vec<&str> =
                key[..depth].iter().map(|own| own.as_deref().unwrap_or("(none)")).collect();
            parent.push(seen.get(&key[..depth - 1]).copied());
            shown.push((plan.by[depth - 1].name(), words.join(" / ")));
            seen.insert(key[..depth].to_vec(), shown.len() - 1);
        }
    }
    let leaves = groups.iter().filter_map(|key| Some((key.clone(), *seen.get(key)?))).collect();
    (Tree::new(parent), Names { shown, leaves })
}

fn histories(
    tree: &Tree,
    leaves: &BTreeMap<Key, usize>,
    sold: &Series,
    skip: usize,
    length: usize,
) -> Vec<Vec<f64>> {
    let mut history = vec![vec![0.0; length]; tree.parent.len()];
    let unit = 10f64.powi(sold.decimals as i32);
    for (key, sums) in &sold.groups {
        if let Some(node) = leaves.get(key) {
            history[*node] = sums[skip..skip + length].iter().map(|sum| *sum as f64 / unit).collect();
        }
    }
    history
}

/// The pipeline by node and period.
fn expected(
    tree: &Tree,
    leaves: &BTreeMap<Key, usize>,
    rows: &PipelineRows,
    periods: usize,
) -> Vec<Vec<f64>> {
    let mut all = vec![vec![0.0; periods]; tree.parent.len()];
    for period in 0..periods {
        let mut values = vec![0.0; tree.parent.len()];
        for (key, own) in &rows.groups {
            if let Some(node) = leaves.get(key) {
                values[*node] = own[period].to_f64_for_display();
            }
        }
        for (node, value) in all.iter_mut().zip(tree.sums(values)) {
            node[period] = value;
        }
    }
    all
}

impl Forecast<'_> {
    fn node(&self, node: usize) -> &forecast::Node {
        &self.outcome.nodes[node]
    }

    fn model(&self, node: usize) -> &'static str {
        self.node(node).model.map_or("sum of parts", Model::name)
    }

    /// The back-test of what is printed and of the yardstick.
    fn scores(&self, node: usize) -> (Option<&Score>, Option<&Score>) {
        let of = |source| self.node(node).score(source);
        (of(Source::Printed), of(Source::Model(Model::SeasonalNaive)))
    }

    /// What the back-test says of the printed forecast against the yardstick.
    fn verdict(&self, node: usize) -> &'static str {
        let (Some(own), Some(naive)) = self.scores(node) else { return "not tested" };
        if own.forecasts == 0 {
            return "not tested";
        }
        if own.mae < naive.mae * (1.0 - 1e-9) {
            "beats naive"
        } else if own.mae > naive.mae * (1.0 + 1e-9) {
            "naive is better"
        } else {
            "is naive"
        }
    }

    /// What a user should know besides the table, as sentences.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let count =
            |verdict: &str| (0..self.names.len()).filter(|node| self.verdict(*node) == verdict).count();
        let origins = self.outcome.origins.len();
        let mut notes = vec![format!(
            "{}: learned from {} to {}; back-test from {origins} start(s), {} forecasts of the whole",
            self.plan.title,
            self.history.first().map_or("", String::as_str),
            self.history.last().map_or("", String::as_str),
            self.scores(0).0.map_or(0, |score| score.forecasts),
        )];
        let (better, same, worse) = (count("beats naive"), count("is naive"), count("naive is better"));
        notes.push(if origins == 0 {
            "the history is one season, so nothing can be tested: the forecast is that season again, and its intervals are a guess"
                .to_owned()
        } else {
            format!(
                "against seasonal-naive: {better} of {} group(s) better, {same} the same, {worse} worse",
                self.names.len()
            )
        });
        let naive = self.outcome.nodes.iter().filter(|node| node.naive_wins && node.model.is_some()).count();
        if naive > 0 && origins > 0 {
            notes.push(format!(
                "seasonal-naive won in {naive} group(s), so it is their forecast (when_naive_wins = \"use-naive\")"
            ));
        }
        if let Some(rows) = &self.stages {
            for stage in &rows.stages {
                let share =
                    stage.probability.as_ref().map_or_else(|| "by row".to_owned(), |own| own.to_percent());
                let measured = stage.measured.map_or_else(String::new, |(all, won)| {
                    format!(", {won} of {all} closed ones that reached it were won")
                });
                notes.push(format!("stage {}: {share}{measured}; {} open", stage.name, stage.open));
            }
            notes.push(
                "the pipeline is not back-tested: opportunities are known as they are today, not as they were; the errors are those of the model alone"
                    .to_owned(),
            );
            if rows.overdue > 0 {
                notes.push(format!(
                    "{} open opportunities should have closed before {}: they count in no period",
                    rows.overdue, self.periods[0]
                ));
            }
        }
        notes
    }
}

/// A row for every group and period of every forecast. With `plans`, the plan is named first.
pub fn forecast_table(all: &[Forecast<'_>], plans: bool) -> std::io::Result<Table> {
    let rows: Vec<(&Forecast<'_>, usize, usize)> = all
        .iter()
        .flat_map(|own| {
            (0..own.names.len())
                .flat_map(move |node| (0..own.periods.len()).map(move |period| (own, node, period)))
        })
        .collect();
    let decimals = all.iter().map(|own| own.decimals).max().unwrap_or(0);
    let amount = |pick: fn((i64, i64, i64)) -> i64| {
        rows.iter().map(move |(own, node, period)| Some(pick(own.amounts[*node][*period])))
    };
    let error = |naive: bool, pick: fn(&Score) -> Option<f64>| {
        rows.iter().map(move |(own, node, _)| {
            let (printed, yardstick) = own.scores(*node);
            units(if naive { yardstick } else { printed }.and_then(pick), ERROR_DECIMALS)
        })
    };
    let mut table = Builder::default();
    if plans {
        table = table.text("plan_id", rows.iter().map(|(own, _, _)| Some(own.plan.id.as_str())));
    }
    table = table
        .text("level", rows.iter().map(|(own, node, _)| Some(own.names[*node].0.as_str())))
        .text("group", rows.iter().map(|(own, node, _)| Some(own.names[*node].1.as_str())))
        .text("period", rows.iter().map(|(own, _, period)| Some(own.periods[*period].as_str())))
        .text("model", rows.iter().map(|(own, node, _)| Some(own.model(*node))))
        .number("low", decimals, amount(|(low, _, _)| low))
        .number("amount", decimals, amount(|(_, amount, _)| amount))
        .number("high", decimals, amount(|(_, _, high)| high));
    if all.iter().any(|own| own.pipeline.is_some()) {
        let open =
            rows.iter().map(|(own, node, period)| own.pipeline.as_ref().map(|all| all[*node][*period]));
        table = table.number("pipeline", decimals, open);
    }
    table
        .number("wape", ERROR_DECIMALS, error(false, |score| score.wape))
        .number("naive_wape", ERROR_DECIMALS, error(true, |score| score.wape))
        .number("mase", ERROR_DECIMALS, error(false, |score| score.mase))
        .number("naive_mase", ERROR_DECIMALS, error(true, |score| score.mase))
        .text("verdict", rows.iter().map(|(own, node, _)| Some(own.verdict(*node))))
        .table()
}

/// An error, where anything was forecast.
fn tested(score: &Score, error: f64) -> Option<f64> {
    (score.forecasts > 0).then_some(error)
}

/// A row for every group and source: the errors of the back-test.
pub fn backtest_table(all: &[Forecast<'_>]) -> std::io::Result<Table> {
    let rows: Vec<(&Forecast<'_>, usize, &Score)> = all
        .iter()
        .flat_map(|own| {
            (0..own.names.len())
                .flat_map(move |node| own.node(node).scores.iter().map(move |score| (own, node, score)))
        })
        .collect();
    let source = |score: &Score| match score.source {
        Source::Model(model) => model.name(),
        Source::Printed => "printed",
    };
    let number = |pick: fn(&Score) -> Option<f64>, decimals: u32| {
        rows.iter().map(move |(_, _, score)| units(pick(score), decimals))
    };
    let decimals = all.iter().map(|own| own.decimals).max().unwrap_or(0);
    Builder::default()
        .text("plan_id", rows.iter().map(|(own, _, _)| Some(own.plan.id.as_str())))
        .text("level", rows.iter().map(|(own, node, _)| Some(own.names[*node].0.as_str())))
        .text("group", rows.iter().map(|(own, node, _)| Some(own.names[*node].1.as_str())))
        .text("model", rows.iter().map(|(_, _, score)| Some(source(score))))
        .boolean(
            "used",
            rows.iter().map(|(own, node, score)| {
                Some(own.node(*node).model.is_some_and(|model| score.source == Source::Model(model)))
            }),
        )
        .number("forecasts", 0, rows.iter().map(|(_, _, score)| i64::try_from(score.forecasts).ok()))
        .number("mae", decimals, number(|score| tested(score, score.mae), decimals))
        .number("rmse", decimals, number(|score| tested(score, score.rmse), decimals))
        .number("mape", ERROR_DECIMALS, number(|score| score.mape, ERROR_DECIMALS))
        .number("mase", ERROR_DECIMALS, number(|score| score.mase, ERROR_DECIMALS))
        .number("wape", ERROR_DECIMALS, number(|score| score.wape, ERROR_DECIMALS))
        .number("bias", ERROR_DECIMALS, number(|score| score.bias, ERROR_DECIMALS))
        .number("coverage", ERROR_DECIMALS, number(|score| score.coverage, ERROR_DECIMALS))
        .table()
}

/// How the forecasts were made, for programs.
#[must_use]
pub fn result_json(all: &[Forecast<'_>], provenance: &[(String, String)]) -> String {
    let number = |value: Option<f64>| units(value, 6).map(|units| units as f64 / 1e6);
    let plans: Vec<_> = all
        .iter()
        .map(|own| {
            let groups: Vec<_> = (0..own.names.len())
                .map(|node| {
                    let made = own.node(node);
                    json!({
                        "level": own.names[node].0,
                        "group": own.names[node].1,
                        "model": own.model(node),
                        "fitted": made.fitted,
                        "verdict": own.verdict(node),
                        "naive_wins": made.naive_wins,
                        "before_reconciliation": made.own.iter().map(|own| number(Some(*own))).collect::<Vec<_>>(),
                        "interval_width": number(Some(made.width)),
                        "coverage": number(own.scores(node).0.and_then(|score| score.coverage)),
                    })
                })
                .collect();
            let stages = own.stages.as_ref().map(|rows| {
                let stages: Vec<_> = rows
                    .stages
                    .iter()
                    .map(|stage| {
                        json!({
                            "stage": stage.name,
                            "probability": stage.probability.as_ref().map(ToString::to_string),
                            "reached": stage.measured.map(|(all, _)| all),
                            "won": stage.measured.map(|(_, won)| won),
                            "open": stage.open,
                        })
                    })
                    .collect();
                json!({ "stages": stages, "overdue": rows.overdue })
            });
            json!({
                "plan": own.plan.id,
                "season": own.problem.season,
                "history": own.history,
                "periods": own.periods,
                "reconcile": own.problem.reconcile.name(),
                "interval": own.plan.interval.to_string(),
                "origins": own.outcome.origins.iter().map(|origin| own.history[*origin].clone()).collect::<Vec<_>>(),
                "groups": groups,
                "pipeline": stages,
            })
        })
        .collect();
    let provenance: serde_json::Map<String, serde_json::Value> =
        provenance.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    format!("{:#}\n", json!({ "schema": "spm.forecast.result/1", "plans": plans, "provenance": provenance }))
}

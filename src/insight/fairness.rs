//! Quotas scored: what seats are expected to sell, how that varies, what is known of seats, and the rows that are printed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::json;
use spm_core::engine::fairness::{self, Band, Metric, Outcome, Problem, Seat, draw, usual_band, verify};
use spm_core::engine::forecast::{Tree, in_units};
use spm_core::engine::quota::person;
use spm_core::engine::statistics::{mean, normal_quantile};
use spm_core::ground::diagnostic::{Code, Diagnostic, Sink};
use spm_core::ground::id::PayeeId;
use spm_core::ground::period::days_between;
use spm_core::ground::rational::Rational;
use spm_core::ground::source::TextPlace;
use spm_core::plan::Tables as Columns;
use spm_core::plan::comp::CompPlan;
use spm_core::plan::contract::Type;
use spm_core::plan::expression::check_typed;
use spm_core::plan::fairness::{BySeat, FairnessPlan};
use spm_core::plan::project::Project;
use spm_core::plan::quotas::QuotaPlan;
use spm_frame::facts::{QuotaRow, by_holder, by_rep, hired};
use spm_frame::load::Tables;
use spm_frame::quota::quotas;
use spm_frame::series::{Selection, series};
use spm_frame::table::Table;
use spm_frame::write::Builder;

use super::forecast::range;
use super::held::holders;
use super::there::{Parts, There};
use super::{fault, replay, units};

/// Decimals of metrics.
const DECIMALS: u32 = 4;

/// What was sold, by holder and period.
type Sales = BTreeMap<String, Vec<f64>>;

/// What is scored besides the plan.
pub struct Question<'a> {
    /// Quotas.
    pub rows: &'a [QuotaRow],
    /// Where they come from, as it is shown.
    pub shown: &'a str,
    /// Periods, as the user names them; those of the quotas when `None`.
    pub periods: Option<Range<usize>>,
    /// What the model expects of each seat, when the plan asks for it.
    pub model: Option<BTreeMap<String, f64>>,
    /// Plans that are replayed.
    pub comp: Vec<&'a CompPlan>,
    /// The plan that gives quotas of this name, for the season and the ramp; none where the project has none.
    pub plan: Option<&'a QuotaPlan>,
}

/// A score with the names of its seats.
pub struct Score {
    ids: Vec<String>,
    /// The part of a season that each seat carries.
    shares: Vec<f64>,
    problem: Problem,
    outcome: Outcome,
    decimals: u32,
    /// What a user should know, as sentences.
    pub notes: Vec<String>,
}

/// Scores quotas by a plan.
pub fn score(
    plan: &FairnessPlan,
    project: &Project,
    tables: &Tables,
    question: &Question<'_>,
) -> Result<Score, Diagnostic> {
    let calendar = &project.calendar;
    let held = holders(plan, calendar, question)?;
    let scored = held.periods.clone();
    let (mut ids, mut empty) = (Vec::new(), 0);
    for id in held.seats() {
        if held.total.get(&id).is_some_and(Rational::is_positive) { ids.push(id) } else { empty += 1 }
    }
    if ids.is_empty() {
        let message = format!("the quotas of all {empty} seat(s) are zero");
        return Err(fault(Code::SPM404, message, &plan.place)
            .hint("attainment is sales divided by quota: there is none"));
    }
    let mut notes = Vec::new();
    if empty > 0 {
        notes.push(format!("{empty} seat(s) with a quota of zero are left out: they have no attainment"));
    }
    let length = scored.len();
    let name = |period: usize| calendar.periods()[period].name.as_str();
    let history = match &plan.history {
        Some((text, place)) => {
            let own = range(text, calendar, place)?;
            if own.len() != length || own.end > scored.start {
                let message = format!(
                    "the history has {} period(s) and ends with {}; {length} before {} are needed",
                    own.len(),
                    name(own.end - 1),
                    name(scored.start)
                );
                return Err(
                    fault(Code::SPM304, message, place).hint("name the season before the one that is scored")
                );
            }
            own
        }
        None => scored.start.saturating_sub(length)..scored.start,
    };
    let before = history.start.saturating_sub(length)..history.start;
    let by = [plan.by.clone()];
    let selection =
        Selection { amount: &plan.amount, condition: plan.condition.as_ref(), by: &by, place: &plan.place };
    let sold = |periods: Range<usize>| -> Result<(Sales, Vec<usize>), Diagnostic> {
        let own = series(selection, tables, calendar, periods, project.currency.code())?;
        let unit = 10f64.powi(own.decimals as i32);
        let floats = |sums: &Vec<i128>| sums.iter().map(|sum| *sum as f64 / unit).collect();
        let named = own.groups.iter().filter_map(|(key, sums)| Some((key[0].clone()?, floats(sums))));
        Ok((named.collect(), own.rows))
    };
    let (mut last, mut earlier) = (Sales::new(), Sales::new());
    if history.len() == length {
        last = sold(history.clone())?.0;
    }
    if before.len() == length {
        earlier = sold(before.clone())?.0;
    }
    // Up to the last sale everything is past, whatever was sold in between: a shop may be closed in August.
    let (mut now, rows) = sold(scored.start..calendar.periods().len())?;
    now.values_mut().for_each(|sold| sold.truncate(length));
    let known = rows.iter().rposition(|rows| *rows > 0).map_or(0, |last| last + 1);
    let past = known >= length;
    let names = |periods: &[usize]| -> String {
        periods.iter().map(|period| name(*period)).collect::<Vec<_>>().join(", ")
    };
    let without: Vec<usize> = scored.clone().filter(|period| rows[period - scored.start] == 0).collect();
    if past && !without.is_empty() {
        notes.push(format!(
            "nobody sold anything in {}: the quotas of these periods count, with sales of zero",
            names(&without)
        ));
    }
    if !past && known > 0 {
        let (first, last) = (name(scored.start), name(scored.start + known - 1));
        let part = if known == 1 { first.to_owned() } else { format!("{first}..{last}") };
        notes.push(format!(
            "the last sale is in {last}, so the season is not over and is drawn whole; --period {part} scores what is past of it"
        ));
    }
    let there = There::of(question.plan, project, tables, scored.clone())?;
    let seasons = [&now, &last, &earlier];
    let known = |id: &str| there.knows(id) || seasons.iter().any(|sales| sales.contains_key(id));
    let strangers: Vec<&str> = ids.iter().map(|id| person(id)).filter(|id| !known(id)).collect();
    if let Some(first) = strangers.first() {
        return Err(stranger(first, strangers.len(), question.shown, &plan.place));
    }
    let parts = there.parts(scored.clone());
    let (then, earlier_parts) = (there.parts(history.clone()), there.parts(before));
    // What seats sold, as if they had been there all the time.
    let whole = |sales: &Sales, parts: &Parts<'_>| -> BTreeMap<String, f64> {
        let own = |(id, sold): (&String, &Vec<f64>)| Some((id.clone(), parts.whole(id, sold.iter().sum())?));
        sales.iter().filter_map(own).collect()
    };
    let (rates, rates_before) = (whole(&last, &then), whole(&earlier, &earlier_parts));
    let growth = growth(plan, &last, &earlier, past, &mut notes)?;
    let residuals = residuals(plan, &rates, &rates_before, past, &mut notes)?;
    let facts = Facts::of(plan, tables, project, &scored)?;
    let mut sink = Sink::default();
    let all_quotas = quotas(tables, calendar, &mut sink);
    let last_quota = |id: &str| -> Option<f64> {
        if history.len() != length {
            return None;
        }
        let key = |period| (PayeeId::from(id), plan.measure.clone(), period);
        let own: Option<Vec<&Rational>> =
            history.clone().map(|period| all_quotas.get(&key(period))).collect();
        Some(own?.into_iter().sum::<Rational>().to_f64_for_display())
    };
    let mut unknown = BTreeSet::new();
    let expectation = |id: &String| match &question.model {
        Some(model) => model.get(id).copied(),
        None => rates.get(id).map(|own| own * (1.0 + growth)),
    };
    let (mut seats, mut shares): (Vec<Seat>, Vec<f64>) = (Vec::new(), Vec::new());
    let (mut partly, mut gaps, mut away) = (0, 0, 0);
    for holder in &ids {
        let id = &person(holder).to_owned();
        let quota = held.total.get(holder).map_or(0.0, Rational::to_f64_for_display);
        let judged = held.judged(holder);
        let carried = parts.carried(id, &judged);
        let expected = expectation(id).filter(|own| *own > 0.0);
        gaps += usize::from(judged.contains(&false));
        match (carried, expected) {
            // Nobody is there to sell anything.
            _ if carried == 0.0 => away += 1,
            (_, None) => {
                unknown.insert(seats.len());
            }
            _ => partly += usize::from(carried < 1.0),
        }
        // Whatever is of a whole season counts for the part of it that the seat carries.
        let of_part = |whole: Option<f64>| whole.map(|own| own * carried);
        let always = carried == 1.0 && then.carried(id, &vec![true; length]) == 1.0;
        let sum = |sold: &Vec<f64>| sold.iter().sum::<f64>();
        let sold = |own: &Vec<f64>| {
            own.iter().zip(&judged).filter(|(_, judged)| **judged).map(|(sold, _)| sold).sum::<f64>()
        };
        seats.push(Seat {
            quota,
            expected: of_part(expected).unwrap_or(0.0),
            history: of_part(rates.get(id).copied()),
            potential: of_part(facts.potential.get(id).copied()),
            tenure: facts.tenure.get(id).copied(),
            target_pay: of_part(facts.target_pay.get(id).copied()),
            last: last_quota(id).zip(last.get(id).map(sum)).filter(|_| always),
            sold: past.then(|| now.get(id).map_or(0.0, sold)),
        });
        shares.push(carried);
    }
    let mut note = |count: usize, words: &str| {
        if count > 0 {
            notes.push(format!("{count} seat(s) {words}"));
        }
    };
    note(gaps, "have no quota in some of these periods: only the others count for them");
    note(
        if past { 0 } else { partly },
        "are not there all the time: the column `carried` says for which part of a season something is expected of them",
    );
    note(
        if past { 0 } else { away },
        "have a quota and are not there in any period of it: nothing is expected of them",
    );
    if !unknown.is_empty() {
        // Who has no history is expected to attain what the others are expected to.
        let known = |pick: fn(&Seat) -> f64| -> f64 {
            let known = seats.iter().enumerate().filter(|(seat, _)| !unknown.contains(seat));
            known.map(|(_, seat)| pick(seat)).sum()
        };
        let (expected, quota) = (known(|seat| seat.expected), known(|seat| seat.quota));
        if quota == 0.0 && !past {
            let message = "no seat has a history or a model: nothing is known of what they sell";
            return Err(fault(Code::SPM404, message, &plan.place)
                .hint("check `by`, `where` and `history` of the plan against the holders of the quotas"));
        }
        // Of past periods nothing has to be expected: then only equal pain stays unknown.
        let attainment = if quota > 0.0 { expected / quota } else { 0.0 };
        for seat in &unknown {
            seats[*seat].expected = seats[*seat].quota * attainment;
        }
        if !past {
            notes.push(format!(
                "{} seat(s) without a history are expected to attain what the others do, {:.1}%",
                unknown.len(),
                attainment * 100.0
            ));
        }
    }
    let share = |own: &Rational| own.to_f64_for_display();
    let bands = plan
        .bands
        .iter()
        .map(|(name, low, high)| {
            let band = Band { low: low.as_ref().map(share), high: high.as_ref().map(share) };
            (name.clone(), band)
        })
        .collect();
    let problem = Problem {
        seats,
        residuals,
        common: share(&plan.common),
        draws: plan.draws,
        seed: plan.seed,
        threshold: share(&plan.threshold),
        excellence: share(&plan.excellence),
        levels: held.levels(plan)?,
        bands,
    };
    let sales = draw(&problem);
    let mut outcome = fairness::score(&problem, &sales);
    if let Some(first) = verify(&problem, &sales, &outcome).first() {
        return Err(fault(Code::SPM502, first.clone(), &plan.place));
    }
    let replayed = replay::Replayed {
        ids: &ids,
        by_period: &held.by_period,
        periods: &scored,
        problem: &problem,
        sales: &sales,
        past,
    };
    let costs = replay::costs(plan, project, tables, &question.comp, &replayed, &mut notes)?;
    let place = outcome.metrics.iter().position(|own| own.name == "over-assignment");
    let place = place.unwrap_or(outcome.metrics.len());
    outcome.metrics.splice(place..place, costs);
    let how = if past {
        "every period is past, so what was sold is scored".to_owned()
    } else {
        format!("{} draws with seed {}", problem.draws, problem.seed)
    };
    notes.insert(
        0,
        format!(
            "{}: {} seats, {} to {}; {how}",
            plan.title,
            ids.len(),
            name(scored.start),
            name(scored.end - 1)
        ),
    );
    Ok(Score { ids, shares, problem, outcome, decimals: project.currency.decimals(), notes })
}

/// A holder that nothing is known of.
fn stranger(first: &str, count: usize, shown: &str, place: &TextPlace) -> Diagnostic {
    let whom = match count {
        1 => format!("{first} has a quota in {shown}, but"),
        count => format!("{count} holders, such as {first}, have a quota in {shown}, but"),
    };
    let message = format!("{whom} is neither in reps nor has sold anything in the seasons that are compared");
    let message = if count == 1 {
        message
    } else {
        message.replace("is neither in reps nor has", "are neither in reps nor have")
    };
    fault(Code::SPM109, message, place)
        .hint("correct holder_id; of a region or the company, name it in `parent_id` of those below, or leave its rows out")
}

/// Growth on history: stated, or that of all sales between the last two seasons.
fn growth(
    plan: &FairnessPlan,
    last: &Sales,
    earlier: &Sales,
    past: bool,
    notes: &mut Vec<String>,
) -> Result<f64, Diagnostic> {
    if let Some(growth) = &plan.growth {
        return Ok(growth.to_f64_for_display());
    }
    let (now, then): (f64, f64) = (last.values().flatten().sum(), earlier.values().flatten().sum());
    if now > 0.0 && then > 0.0 {
        let growth = now / then - 1.0;
        if !past && !plan.model {
            notes.push(format!(
                "expected of a seat: its season before, plus the growth of all sales, {:.1}%",
                growth * 100.0
            ));
        }
        return Ok(growth);
    }
    if past || plan.model {
        return Ok(0.0);
    }
    let message = "there are not two seasons of sales before the quotas, so no growth can be measured";
    Err(fault(Code::SPM431, message, &plan.place).hint("state it: growth = \"8%\", and variation = \"25%\""))
}

/// What the last season missed the one before by, seat by seat, as logarithms around their mean.
fn residuals(
    plan: &FairnessPlan,
    last: &BTreeMap<String, f64>,
    earlier: &BTreeMap<String, f64>,
    past: bool,
    notes: &mut Vec<String>,
) -> Result<Vec<f64>, Diagnostic> {
    if past {
        return Ok(vec![]);
    }
    if let Some(variation) = &plan.variation {
        // The quantiles of a normal distribution: as good as drawing from it, and the same for every seat.
        let deviation = variation.to_f64_for_display();
        return Ok((0..999)
            .map(|place| deviation * normal_quantile((f64::from(place) + 0.5) / 999.0))
            .collect());
    }
    let both = last.iter().filter_map(|(id, now)| Some((*now, *earlier.get(id)?)));
    let logs: Vec<f64> =
        both.filter(|(now, then)| *now > 0.0 && *then > 0.0).map(|(now, then)| (now / then).ln()).collect();
    if logs.len() < 5 {
        let message =
            format!("{} seat(s) sold in both seasons before: too few to measure variation", logs.len());
        return Err(fault(Code::SPM431, message, &plan.place).hint("state it: variation = \"25%\""));
    }
    let center = mean(&logs);
    let mut logs: Vec<f64> = logs.into_iter().map(|own| own - center).collect();
    logs.sort_by(f64::total_cmp);
    let deviation = (logs.iter().map(|own| own * own).sum::<f64>() / logs.len() as f64).sqrt();
    notes.push(format!(
        "variation of a seat: measured between the last two seasons of {} seats, standard deviation {:.0}%",
        logs.len(),
        deviation * 100.0
    ));
    Ok(logs)
}

/// What is known of seats, by holder.
struct Facts {
    potential: BTreeMap<String, f64>,
    tenure: BTreeMap<String, f64>,
    target_pay: BTreeMap<String, f64>,
}

impl Facts {
    fn of(
        plan: &FairnessPlan,
        tables: &Tables,
        project: &Project,
        scored: &Range<usize>,
    ) -> Result<Self, Diagnostic> {
        let periods = project.calendar.periods();
        let (start, end) = (periods[scored.start].range.from, periods[scored.end - 1].range.to);
        let floats = |values: BTreeMap<String, Rational>| -> BTreeMap<String, f64> {
            values.into_iter().map(|(id, value)| (id, value.to_f64_for_display())).collect()
        };
        let potential = match &plan.potential {
            Some(BySeat::Reps(own)) => floats(by_rep(tables, own, &plan.place)?),
            Some(BySeat::Accounts(own)) => {
                let holder = if plan.by.table == "accounts" { &plan.by.column } else { "owner_id" };
                floats(by_holder(tables, own, holder, &plan.place)?)
            }
            None => BTreeMap::new(),
        };
        let tenure = match &plan.tenure {
            Some(own) => floats(by_rep(tables, own, &plan.place)?),
            None => {
                let years = |day| days_between(day, start).max(0) as f64 / 365.25;
                hired(tables).into_iter().map(|(id, day)| (id, years(day))).collect()
            }
        };
        let usual = || {
            let reps = Columns::of(project).columns("reps");
            let mapped = tables.get("reps").is_some_and(|reps| reps.column("target_pay").is_some());
            let check = || check_typed("target_pay", &plan.place, &reps, Type::Number, &mut Sink::default());
            mapped.then(check).flatten()
        };
        let target_pay = match plan.target_pay.clone().or_else(usual) {
            Some(pay) => {
                // Pay is per year; the quotas may be for less.
                let years = days_between(start, end) as f64 / 365.0;
                let all = floats(by_rep(tables, &pay, &plan.place)?);
                all.into_iter().map(|(id, own)| (id, own * years)).collect()
            }
            None => BTreeMap::new(),
        };
        Ok(Self { potential, tenure, target_pay })
    }
}

/// A band as words.
fn words(band: Band) -> String {
    let number = |value: f64| {
        let text = format!("{value:.4}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    match (band.low, band.high) {
        (Some(low), Some(high)) => format!("{} to {}", number(low), number(high)),
        (Some(low), None) => format!("from {}", number(low)),
        (None, Some(high)) => format!("up to {}", number(high)),
        (None, None) => "any".to_owned(),
    }
}

impl Score {
    /// Metrics that lie outside their bands.
    #[must_use]
    pub fn outside(&self) -> Vec<&Metric> {
        self.outcome.metrics.iter().filter(|metric| metric.is_outside()).collect()
    }

    /// A row for each metric.
    pub fn metrics_table(&self) -> std::io::Result<Table> {
        let all = &self.outcome.metrics;
        Builder::default()
            .text("metric", all.iter().map(|own| Some(own.name.as_str())))
            .text("meaning", all.iter().map(|own| Some(own.meaning.as_str())))
            .number("value", DECIMALS, all.iter().map(|own| units(own.value, DECIMALS)))
            .number("low", DECIMALS, all.iter().map(|own| units(own.range.map(|own| own.0), DECIMALS)))
            .number("high", DECIMALS, all.iter().map(|own| units(own.range.map(|own| own.1), DECIMALS)))
            .text("band", all.iter().map(|own| own.band.map(words)))
            .text("verdict", all.iter().map(|own| Some(own.verdict())))
            .text("source", all.iter().map(|own| own.band.map(|_| own.source)))
            .table()
    }

    /// The quotas of equal pain in whole units, adding up to the same total; none when nothing is expected of anybody.
    fn equal_pain(&self) -> std::io::Result<Vec<Option<i64>>> {
        let own: Vec<f64> = self.outcome.seats.iter().map(|score| score.equal_pain).collect();
        if own.iter().sum::<f64>() <= 0.0 {
            return Ok(vec![None; own.len()]);
        }
        let total: f64 = self.problem.seats.iter().map(|seat| seat.quota).sum();
        let all: Vec<f64> = std::iter::once(total).chain(own).collect();
        let mut parents = vec![Some(0); all.len()];
        parents[0] = None;
        let all = in_units(&Tree::new(parents), &all, 10f64.powi(self.decimals as i32))
            .ok_or_else(|| std::io::Error::other("a quota does not fit 64 bits"))?;
        Ok(all[1..].iter().map(|own| i64::try_from(*own).ok()).collect())
    }

    /// A row for each seat.
    pub fn seats_table(&self) -> std::io::Result<Table> {
        let rows: Vec<_> = self.problem.seats.iter().zip(&self.outcome.seats).collect();
        let money = |pick: &dyn Fn(&Seat) -> Option<f64>| -> Vec<Option<i64>> {
            rows.iter().map(|(seat, _)| units(pick(seat), self.decimals)).collect()
        };
        let ratio = |pick: &dyn Fn(&Seat, &fairness::SeatScore) -> Option<f64>| -> Vec<Option<i64>> {
            rows.iter().map(|(seat, score)| units(pick(seat, score), DECIMALS)).collect()
        };
        let equal = self.equal_pain()?;
        let expects = rows.iter().any(|(seat, _)| seat.expected > 0.0);
        Builder::default()
            .text("holder_id", self.ids.iter().map(Some))
            .number("quota", self.decimals, money(&|seat| Some(seat.quota)))
            .number("carried", DECIMALS, self.shares.iter().map(|own| units(Some(*own), DECIMALS)))
            .number("expected", self.decimals, money(&|seat| Some(seat.expected).filter(|_| expects)))
            .number("sold", self.decimals, money(&|seat| seat.sold))
            .number("chance", DECIMALS, ratio(&|_, score| Some(score.chance)))
            .number("attainment", DECIMALS, ratio(&|_, score| Some(score.attainment)))
            .number("low", DECIMALS, ratio(&|_, score| Some(score.low)))
            .number("high", DECIMALS, ratio(&|_, score| Some(score.high)))
            .number("equal_pain", self.decimals, equal)
            .number("history", self.decimals, money(&|seat| seat.history))
            .number(
                "growth",
                DECIMALS,
                ratio(&|seat, _| Some(seat.quota / seat.history.filter(|own| *own > 0.0)? - 1.0)),
            )
            .number("potential", self.decimals, money(&|seat| seat.potential))
            .number("tenure", 1, rows.iter().map(|(seat, _)| units(seat.tenure, 1)))
            .number("last_quota", self.decimals, money(&|seat| seat.last.map(|own| own.0)))
            .table()
    }

    /// How the score was made, for programs.
    #[must_use]
    pub fn result_json(&self, plan: &FairnessPlan, provenance: &[(String, String)]) -> String {
        let number = |value: Option<f64>| units(value, 6).map(|units| units as f64 / 1e6);
        let metrics: Vec<_> = self
            .outcome
            .metrics
            .iter()
            .map(|own| {
                json!({
                    "metric": own.name,
                    "meaning": own.meaning,
                    "value": number(own.value),
                    "one_draw_in_ten_below": number(own.range.map(|range| range.0)),
                    "one_draw_in_ten_above": number(own.range.map(|range| range.1)),
                    "band": own.band.map(|band| json!({ "low": band.low, "high": band.high })),
                    "usual_band": usual_band(&own.name).map(|band| json!({ "low": band.low, "high": band.high })),
                    "verdict": own.verdict(),
                    "source": own.source,
                })
            })
            .collect();
        let provenance: serde_json::Map<String, serde_json::Value> =
            provenance.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        format!(
            "{:#}\n",
            json!({
                "schema": "spm.fairness.result/1",
                "plan": plan.id,
                "measured": self.outcome.measured,
                "draws": self.problem.draws,
                "seed": self.problem.seed,
                "notes": self.notes,
                "metrics": metrics,
                "provenance": provenance,
            })
        )
    }
}

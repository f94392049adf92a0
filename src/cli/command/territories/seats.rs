//! `spm territories seats`: territories to salespeople, at the least cost there is, with the proof of that.

use std::path::Path;

use spm_core::engine::territory::{Costs, FORBIDDEN, Seated, Seating};
use spm_core::ground::diagnostic::{Code, Diagnostic};
use spm_core::ground::rational::Rational;
use spm_core::ground::source::Place;
use spm_core::plan::seating::SeatPlan;
use spm_frame::pairing::{self, PeopleRows};
use spm_frame::table::Table;
use spm_frame::write::{Builder, Folder};

use super::build::{COST_DECIMALS, scaled};
use super::reading::{Assigned, assigned};
use super::{Scope, input};
use crate::cli::command;
use crate::cli::exit::{self, Failure};

const OWN: &str = "out/seats";

/// What a pair costs, by its parts, in thousandths of a kilometre.
#[derive(Clone, Copy)]
struct Pair {
    metres: Option<i64>,
    way: i64,
    relationship: i64,
    misfit: i64,
}

impl Pair {
    fn cost(&self) -> Option<i64> {
        self.way.checked_add(self.relationship)?.checked_add(self.misfit)
    }
}

/// Fills the seats; returns a row for each.
pub fn seats(scope: &Scope<'_>, path: &Path) -> Result<Table, Failure> {
    let Scope { opened, tables, plan, ui, .. } = *scope;
    let Some(seats) = &plan.seats else {
        let fault = scope.fault(Code::SPM004, "the plan does not say who may have a seat: it has no [seats]");
        return Err(input(
            fault.hint("add [seats], such as people = \"role = 'AE'\" and relationship = \"50\""),
        ));
    };
    let fault =
        |code, message: String| Diagnostic::error(code, message).at(Place::Text(seats.place.clone()), "");
    let found = assigned(scope, path)?;
    let people = pairing::people(plan, tables, &found.rows).map_err(input)?;
    let held = found.rows.territories.iter().filter(|id| people.people.binary_search(id).is_ok()).count();
    if held > 0 {
        let message = format!(
            "{held} of {} territories are people already, so they are no seats to fill",
            found.rows.territories.len()
        );
        let hint = "make territories first: spm territories create, or a plan with holders = \"territories\"";
        return Err(input(fault(Code::SPM304, message).hint(hint)));
    }
    if people.people.is_empty() || found.rows.territories.is_empty() {
        let message = format!(
            "{} territories and {} people: nothing to fill",
            found.rows.territories.len(),
            people.people.len()
        );
        return Err(input(fault(Code::SPM404, message).hint("look at `people` under [seats]")));
    }
    let too_large = || {
        input(fault(Code::SPM402, "a cost leaves 64 bits; lower travel, relationship or misfit".to_owned()))
    };
    let pairs = pairs(seats, &found, &people).ok_or_else(too_large)?;
    let costs: Option<Vec<i64>> =
        pairs.iter().map(|pair| pair.map_or(Some(FORBIDDEN), |pair| pair.cost())).collect();
    let seating = Seating {
        seats: found.rows.territories.len(),
        people: people.people.len(),
        costs: costs.ok_or_else(too_large)?,
    };
    let seated = seating.solve();
    seating
        .verify(&seated)
        .map_err(|faults| Failure::fault(Diagnostic::error(Code::SPM502, faults.join("; ")), exit::BUG))?;
    let table = table(&found, &people, &pairs, &seating, &seated)?;
    if !scope.global.dry_run {
        let provenance = opened.provenance(tables, plan.seed);
        let target = opened.results.join(scope.folder(OWN));
        let folder = Folder::create(&target)?;
        folder.table("seats.parquet", &table, &provenance)?;
        folder.text("result.json", &result_json(&found, &people, &seated))?;
        folder.text("run.json", &command::run_json(tables, &provenance))?;
        folder.publish()?;
        ui.status(&format!("wrote {}", target.display()));
    }
    let filled = seated.person.iter().flatten().count();
    ui.status(&format!(
        "{filled} of {} seats filled from {} people; cost {} km, and no way to fill as many costs less",
        seating.seats,
        seating.people,
        super::output::cost_text(seated.objective),
    ));
    Ok(table)
}

/// What each seat costs with each person, at `seat * people + person`; `None` where they may not have it. The outer `None`: a
/// cost leaves 64 bits.
fn pairs(seats: &SeatPlan, found: &Assigned, people: &PeopleRows) -> Option<Vec<Option<Pair>>> {
    let homes: Vec<_> = people
        .homes
        .iter()
        .map(|home| {
            home.map(|(latitude, longitude)| spm_core::engine::territory::Point::of(latitude, longitude))
        })
        .collect();
    let centres = match &found.problem.costs {
        Costs::Travel(travel) => travel.homes.clone(),
        Costs::Table(_) => vec![None; found.rows.territories.len()],
    };
    // What all accounts of a seat cost that have an owner, and what those of each person do.
    let mut owned = vec![0i64; centres.len()];
    let mut own = vec![0i64; centres.len() * homes.len()];
    if let Some((values, decimals)) = &people.relationship {
        for (account, territory) in found.assignment.iter().enumerate() {
            let Some(territory) = territory.filter(|_| people.owned[account]) else { continue };
            let value = scaled(&Rational::from_scaled(values[account].into(), *decimals))?;
            owned[territory] = owned[territory].checked_add(value)?;
            if let Some(person) = people.owners[account] {
                own[territory * homes.len() + person] += value;
            }
        }
    }
    let pair = |place: usize| -> Option<Option<Pair>> {
        let (seat, person) = (place / homes.len(), place % homes.len());
        let fit = people.fit.as_ref().map(|fit| (fit, fit.kinds[person] * centres.len() + seat));
        if let Some((fit, at)) = &fit
            && fit.allowed.as_ref().is_some_and(|allowed| !allowed[*at])
        {
            return Some(None);
        }
        let misfit = match fit
            .and_then(|(fit, at)| fit.misfit.as_ref().map(|(values, decimals)| (values[at], *decimals)))
        {
            Some((value, decimals)) => scaled(&Rational::from_scaled(value.into(), decimals))?,
            None => 0,
        };
        let metres = centres[seat].zip(homes[person]).map(|(centre, home)| centre.metres_to(&home));
        let way =
            scaled(&(&Rational::from_scaled(metres.unwrap_or(0).into(), COST_DECIMALS) * &seats.travel))?;
        let relationship = owned[seat] - own[place];
        Some(Some(Pair { metres, way, relationship, misfit }))
    };
    (0..centres.len() * homes.len()).map(pair).collect()
}

/// A row for each seat: who has it, what that costs and why, and who comes second.
fn table(
    found: &Assigned,
    people: &PeopleRows,
    pairs: &[Option<Pair>],
    seating: &Seating,
    seated: &Seated,
) -> Result<Table, Failure> {
    let seats = 0..seating.seats;
    let name = |person: usize| people.people[person].as_str();
    let here = |seat: usize| pairs[seat * seating.people + seated.person[seat]?];
    let seconds = seated.seconds(seating);
    let second = |seat: usize| {
        let (person, more) = seconds[seat]?;
        Some((more, seating.cost(seat, person)?, person))
    };
    let narrow = |value: i128| i64::try_from(value).ok();
    let why = |seat: usize| {
        let Some(person) = seated.person[seat] else {
            let anybody = (0..seating.people).any(|person| seating.cost(seat, person).is_some());
            return if anybody {
                "open: more seats than people who may have them"
            } else {
                "open: nobody may have it"
            };
        };
        let own = seating.cost(seat, person);
        let cheaper = (0..seating.people)
            .filter(|other| seating.cost(seat, *other).is_some_and(|cost| Some(cost) < own));
        let cheaper: Vec<usize> = cheaper.collect();
        let alone = (0..seating.people).filter(|other| seating.cost(seat, *other).is_some()).count() == 1;
        match cheaper.as_slice() {
            _ if alone => "only choice",
            [] => "cheapest",
            // Nobody cheaper is free, or the seats would cost less.
            _ => "the cheaper ones are worth more elsewhere",
        }
    };
    let table = Builder::default()
        .text("territory_id", found.rows.territories.iter().map(Some))
        .text("rep_id", seats.clone().map(|seat| seated.person[seat].map(name)))
        .number("distance_km", 3, seats.clone().map(|seat| here(seat)?.metres))
        .number("cost", COST_DECIMALS, seats.clone().map(|seat| here(seat)?.cost()))
        .number("travel", COST_DECIMALS, seats.clone().map(|seat| Some(here(seat)?.way)))
        .number("relationship", COST_DECIMALS, seats.clone().map(|seat| Some(here(seat)?.relationship)))
        .number("misfit", COST_DECIMALS, seats.clone().map(|seat| Some(here(seat)?.misfit)))
        .text("second_rep_id", seats.clone().map(|seat| second(seat).map(|(.., person)| name(person))))
        .number("second_cost", COST_DECIMALS, seats.clone().map(|seat| narrow(second(seat)?.1)))
        .number("second_costs_more", COST_DECIMALS, seats.clone().map(|seat| narrow(second(seat)?.0)))
        .text("why", seats.map(|seat| Some(why(seat))))
        .table()?;
    Ok(table)
}

/// The result in numbers, with the prices that prove it.
fn result_json(found: &Assigned, people: &PeopleRows, seated: &Seated) -> String {
    let text = super::output::cost_text;
    let by = |names: &[String], values: &[i128]| -> serde_json::Map<String, serde_json::Value> {
        names.iter().zip(values).map(|(name, value)| (name.clone(), text(*value).into())).collect()
    };
    let open = seated.person.iter().filter(|person| person.is_none()).count();
    let value = serde_json::json!({
        "schema": "spm.territories.seats.result/1",
        "filled": seated.person.len() - open,
        "open": open,
        "objective": text(seated.objective),
        "unit": "km",
        "cost_of_an_open_seat": text(seated.open),
        "values": by(&found.rows.territories, &seated.values),
        "prices": by(&people.people, &seated.prices),
    });
    format!("{value:#}\n")
}

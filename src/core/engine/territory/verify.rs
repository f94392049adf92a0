//! An independent check of an outcome: everything is recomputed from the problem, without the search's code.

use std::collections::BTreeMap;

use super::{FORBIDDEN, Outcome, Penalty, Problem, bound};

/// What an assignment is worth, whoever made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The assignment.
    pub assignment: Vec<Option<usize>>,
    /// Cost of the accounts that are where they may be, and of loads beyond bands that are wishes.
    pub objective: i128,
    /// Accounts that leave the territory of today.
    pub moves: usize,
    /// What leaves, by limit on moves.
    pub moved: Vec<i128>,
    /// Groups that are not whole.
    pub torn: usize,
    /// Accounts where they may not be.
    pub forbidden: usize,
    /// Accounts without a territory.
    pub unassigned: usize,
    /// Load by measure, then territory.
    pub loads: Vec<Vec<i128>>,
    /// Parts that hang together, by territory; all 0 where that is not asked.
    pub parts: Vec<usize>,
    /// True when every account has a territory and every limit holds.
    pub feasible: bool,
}

/// Evaluates an assignment.
#[must_use]
pub fn evaluate(problem: &Problem, assignment: &[Option<usize>]) -> Evaluation {
    let mut found = Evaluation {
        assignment: assignment.to_vec(),
        objective: 0,
        moves: 0,
        moved: vec![0; problem.move_limits.len()],
        torn: torn(problem, assignment),
        forbidden: 0,
        unassigned: 0,
        loads: vec![vec![0; problem.territories]; problem.measures.len()],
        parts: parts(problem, assignment),
        feasible: true,
    };
    for (account, territory) in assignment.iter().enumerate() {
        let Some(territory) = *territory else {
            found.unassigned += 1;
            continue;
        };
        match problem.cost(account, territory) {
            FORBIDDEN => found.forbidden += 1,
            cost => found.objective += i128::from(cost),
        }
        if problem.current[account].is_some_and(|current| current != territory) {
            found.moves += 1;
        }
        for (limit, moved) in found.moved.iter_mut().enumerate() {
            *moved += i128::from(problem.counted(limit, account, territory));
        }
        for (measure, loads) in found.loads.iter_mut().enumerate() {
            loads[territory] += i128::from(problem.load(measure, account, territory));
        }
    }
    let within = problem.measures.iter().zip(&found.loads).all(|(measure, loads)| {
        measure.penalty.is_some()
            || measure.bands.iter().zip(loads).all(|(band, load)| band.low <= *load && *load <= band.high)
    });
    for (measure, loads) in problem.measures.iter().zip(&found.loads) {
        if let Some(Penalty { numerator, denominator }) = measure.penalty {
            for (band, load) in measure.bands.iter().zip(loads) {
                let beyond = if *load > band.high { load - band.high } else { (band.low - load).max(0) };
                let (cost, denominator) = (beyond * i128::from(numerator), i128::from(denominator));
                found.objective += cost / denominator + i128::from(cost % denominator > 0);
            }
        }
    }
    found.feasible = within
        && found.unassigned == 0
        && found.forbidden == 0
        && found.parts.iter().all(|parts| *parts <= 1)
        && found.torn == 0
        && problem.move_limits.iter().zip(&found.moved).all(|(limit, moved)| *moved <= limit.most.into());
    found
}

/// How many groups have accounts in several territories.
fn torn(problem: &Problem, assignment: &[Option<usize>]) -> usize {
    let Some(groups) = &problem.groups else { return 0 };
    let mut seen: BTreeMap<usize, (Option<usize>, bool)> = BTreeMap::new();
    for (group, territory) in groups.iter().zip(assignment) {
        let (first, torn) = seen.entry(*group).or_insert((*territory, false));
        *torn |= first != territory;
    }
    seen.values().filter(|(_, torn)| *torn).count()
}

/// How many parts each territory has: every account joins its set with those of its territory in the same area and in
/// areas that touch it.
fn parts(problem: &Problem, assignment: &[Option<usize>]) -> Vec<usize> {
    let mut parts = vec![0; problem.territories];
    let Some(contiguity) = &problem.contiguity else { return parts };
    let mut sets: BTreeMap<(usize, usize), (usize, usize)> = BTreeMap::new();
    for (account, territory) in assignment.iter().enumerate() {
        if let Some(territory) = *territory {
            let place = (territory, contiguity.areas[account]);
            sets.insert(place, place);
        }
    }
    fn root(
        sets: &mut BTreeMap<(usize, usize), (usize, usize)>,
        mut place: (usize, usize),
    ) -> (usize, usize) {
        while sets[&place] != place {
            let above = sets[&sets[&place]];
            sets.insert(place, above);
            place = above;
        }
        place
    }
    let places: Vec<(usize, usize)> = sets.keys().copied().collect();
    for (territory, area) in &places {
        for next in &contiguity.neighbours[*area] {
            if sets.contains_key(&(*territory, *next)) {
                let (one, other) =
                    (root(&mut sets, (*territory, *area)), root(&mut sets, (*territory, *next)));
                sets.insert(one, other);
            }
        }
    }
    for (place, above) in sets {
        parts[place.0] += usize::from(place == above);
    }
    parts
}

/// Checks an outcome; returns what it is worth, or one message for each disagreement.
pub fn verify(problem: &Problem, outcome: &Outcome) -> Result<Evaluation, Vec<String>> {
    let mut faults = Vec::new();
    let assignment = &outcome.assignment;
    if assignment.len() != problem.accounts()
        || assignment.iter().any(|territory| *territory >= problem.territories)
    {
        return Err(vec!["not every account has a territory".to_owned()]);
    }
    let found = evaluate(problem, &assignment.iter().copied().map(Some).collect::<Vec<_>>());
    let Evaluation { objective, moves, feasible, .. } = found;
    if objective != outcome.objective {
        faults.push(format!("the objective is {objective}, not {}", outcome.objective));
    }
    if moves != outcome.moves {
        faults.push(format!("{moves} accounts move, not {}", outcome.moves));
    }
    if found.forbidden > 0 {
        faults.push("an account is where it may not be".to_owned());
    }
    if feasible != outcome.feasible {
        faults.push(format!("feasible is {feasible}, not {}", outcome.feasible));
    }
    let proven = bound(problem, &outcome.prices);
    if proven != outcome.bound {
        faults.push(format!("the prices prove {proven}, not {}", outcome.bound));
    }
    if feasible && proven > objective {
        faults.push(format!("the bound {proven} is above a feasible cost {objective}"));
    }
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}

//! An independent check of an outcome: everything is recomputed from the problem, without the search's code.

use super::{FORBIDDEN, Outcome, Problem, bound};

/// Checks an outcome; one message for each disagreement.
pub fn verify(problem: &Problem, outcome: &Outcome) -> Result<(), Vec<String>> {
    let mut faults = Vec::new();
    let assignment = &outcome.assignment;
    if assignment.len() != problem.accounts()
        || assignment.iter().any(|territory| *territory >= problem.territories)
    {
        return Err(vec!["not every account has a territory".to_owned()]);
    }
    let cost: i128 = assignment
        .iter()
        .enumerate()
        .map(|(account, territory)| i128::from(problem.cost(account, *territory)))
        .sum();
    if cost != outcome.objective {
        faults.push(format!("the objective is {cost}, not {}", outcome.objective));
    }
    let moves = assignment
        .iter()
        .zip(&problem.current)
        .filter(|(territory, current)| current.is_some_and(|current| current != **territory))
        .count();
    if moves != outcome.moves {
        faults.push(format!("{moves} accounts move, not {}", outcome.moves));
    }
    if assignment
        .iter()
        .enumerate()
        .any(|(account, territory)| problem.cost(account, *territory) == FORBIDDEN)
    {
        faults.push("an account is where it may not be".to_owned());
    }
    let mut feasible = problem.max_moves.is_none_or(|limit| moves <= limit);
    for (index, measure) in problem.measures.iter().enumerate() {
        let mut loads = vec![0i128; problem.territories];
        for (account, territory) in assignment.iter().enumerate() {
            loads[*territory] += i128::from(problem.load(index, account, *territory));
        }
        feasible &= measure.bands.iter().zip(loads).all(|(band, load)| band.low <= load && load <= band.high);
    }
    if feasible != outcome.feasible {
        faults.push(format!("feasible is {feasible}, not {}", outcome.feasible));
    }
    let proven = bound(problem, &outcome.prices);
    if proven != outcome.bound {
        faults.push(format!("the prices prove {proven}, not {}", outcome.bound));
    }
    if feasible && proven > cost {
        faults.push(format!("the bound {proven} is above a feasible cost {cost}"));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

//! The best assignment of a search that goes on from it.

use super::search::Score;

/// The best assignment so far: the steps since then, or once these are many a copy, so that a step costs little however many
/// accounts there are.
#[derive(Debug)]
pub(super) struct Best {
    pub(super) score: Score,
    /// What each account had before each step since.
    since: Vec<(usize, usize)>,
    copy: Option<Vec<usize>>,
}

impl Best {
    /// An assignment as it is now is the best.
    pub(super) fn new(score: Score) -> Self {
        Self { score, since: Vec::new(), copy: None }
    }

    /// Records a step: what its accounts had before, and the assignment after it.
    pub(super) fn step(&mut self, before: impl IntoIterator<Item = (usize, usize)>, after: &[usize]) {
        if self.copy.is_some() {
            return;
        }
        self.since.extend(before);
        if self.since.len() > after.len() {
            self.copy = Some(self.undone(after.to_vec()));
        }
    }

    fn undone(&mut self, mut assignment: Vec<usize>) -> Vec<usize> {
        while let Some((account, before)) = self.since.pop() {
            assignment[account] = before;
        }
        assignment
    }

    /// The best assignment, from the one of now.
    pub(super) fn assignment(mut self, now: &[usize]) -> Vec<usize> {
        self.copy.take().unwrap_or_else(|| self.undone(now.to_vec()))
    }
}

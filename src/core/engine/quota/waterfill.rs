//! Sharing an amount by weight between floors and caps: the exact fixed point of "clamp and rescale" (C3.7, floor 2).

use crate::ground::rational::Rational;

/// What one child brings to the split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Share among the others, not negative; a claim of weight zero gets its floor and no more.
    pub weight: Rational,
    /// Least amount.
    pub floor: Rational,
    /// Greatest amount, not below the floor; none for no limit.
    pub cap: Option<Rational>,
}

impl Claim {
    /// `amount` brought between floor and cap.
    fn clamp(&self, amount: &Rational) -> Rational {
        let raised = amount.clone().max(self.floor.clone());
        match &self.cap {
            Some(cap) => raised.min(cap.clone()),
            None => raised,
        }
    }
}

/// Why an amount cannot be shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FillFault {
    /// The floors together exceed the total.
    FloorsExceedTotal {
        /// Sum of the floors.
        floors: Rational,
    },
    /// The caps together fall short of the total.
    CapsBelowTotal {
        /// Sum of the caps.
        caps: Rational,
    },
    /// Everyone with a weight is at the cap, and the rest have weight zero.
    NothingToShareBy {
        /// The amount left.
        left: Rational,
    },
}

/// The amounts `clamp(rate x weight, floor, cap)` for the one rate at which they sum to `total`.
///
/// Each round shares what is left among the open claims by weight and clamps. When clamping raised the sum, the true
/// rate is lower, so claims at their floor stay there and are closed; when it lowered the sum, those at their cap are.
/// Closing both kinds at once, or clipping once, gives wrong answers. At least one claim closes per round, so there are
/// at most as many rounds as claims. (The same rule resolves flexible lengths in CSS Flexible Box Layout 9.7.)
///
/// # Errors
/// When no such amounts exist.
pub fn fill(total: &Rational, claims: &[Claim]) -> Result<Vec<Rational>, FillFault> {
    check(total, claims)?;
    let weights: Rational = claims.iter().map(|claim| &claim.weight).sum();
    let open = |claim: &Claim| claim.floor.is_zero() && claim.cap.is_none() && !claim.weight.is_negative();
    if weights.is_positive() && claims.iter().all(open) {
        let rate = total / &weights;
        return Ok(claims.iter().map(|claim| &rate * &claim.weight).collect());
    }
    let mut amounts: Vec<Option<Rational>> = vec![None; claims.len()];
    let mut left = total.clone();
    for _ in 0..=claims.len() {
        let open: Vec<usize> = (0..claims.len()).filter(|position| amounts[*position].is_none()).collect();
        let weights: Rational = open.iter().map(|position| &claims[*position].weight).sum();
        let rate = left.checked_div(&weights).unwrap_or_default();
        let shares: Vec<Rational> = open.iter().map(|position| &rate * &claims[*position].weight).collect();
        let clamped: Vec<Rational> =
            open.iter().zip(&shares).map(|(position, share)| claims[*position].clamp(share)).collect();
        let raised = &clamped.iter().sum::<Rational>() - &left;
        if raised.is_negative() && weights.is_zero() {
            return Err(FillFault::NothingToShareBy { left: -raised });
        }
        for ((position, share), amount) in open.iter().zip(&shares).zip(clamped) {
            let moved = &amount - share;
            let settled = raised.is_zero()
                || (raised.is_positive() && moved.is_positive())
                || (raised.is_negative() && moved.is_negative());
            if settled {
                left = &left - &amount;
                amounts[*position] = Some(amount);
            }
        }
        if raised.is_zero() {
            break;
        }
    }
    assert!(left.is_zero(), "water-filling closes a claim per round until the amounts sum to the total");
    Ok(amounts.into_iter().map(Option::unwrap_or_default).collect())
}

/// Floors at most the total, caps at least.
fn check(total: &Rational, claims: &[Claim]) -> Result<(), FillFault> {
    let floors: Rational = claims.iter().map(|claim| &claim.floor).sum();
    if floors > *total {
        return Err(FillFault::FloorsExceedTotal { floors });
    }
    let caps: Option<Vec<&Rational>> = claims.iter().map(|claim| claim.cap.as_ref()).collect();
    if let Some(caps) = caps {
        let caps: Rational = caps.into_iter().sum();
        if caps < *total {
            return Err(FillFault::CapsBelowTotal { caps });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Rational {
        text.parse().expect("a number")
    }

    fn claim(weight: &str, floor: &str, cap: Option<&str>) -> Claim {
        Claim { weight: read(weight), floor: read(floor), cap: cap.map(read) }
    }

    fn filled(total: &str, claims: &[Claim]) -> Vec<String> {
        fill(&read(total), claims).expect("feasible").iter().map(Rational::to_string).collect()
    }

    #[test]
    fn without_limits_it_is_proportional() {
        assert_eq!(filled("10", &[claim("1", "0", None), claim("2", "0", None)]), ["10/3", "20/3"]);
    }

    #[test]
    fn a_cap_pushes_the_next_to_its_cap() {
        // 100 by 5:3:2 capped at 40 each: 50/30/20 -> 40 and 36/24, both inside.
        let claims = [claim("5", "0", Some("40")), claim("3", "0", Some("40")), claim("2", "0", Some("40"))];
        assert_eq!(filled("100", &claims), ["40", "36", "24"]);
        // Capped at 35: 35, then 39/26 -> 35, then 30.
        let claims = [claim("5", "0", Some("35")), claim("3", "0", Some("35")), claim("2", "0", Some("35"))];
        assert_eq!(filled("100", &claims), ["35", "35", "30"]);
    }

    #[test]
    fn floors_and_caps_together_do_not_close_too_early() {
        // Shares 80/10/10: the cap takes 50 away, the floor gives 30, so the cap closes first; 70 is left for two of
        // weight one, of whom one needs 40.
        let claims = [claim("8", "0", Some("30")), claim("1", "40", None), claim("1", "0", None)];
        assert_eq!(filled("100", &claims), ["30", "40", "30"]);
        // Here the floor of 12 would close in the first round although the fixed point is 35 for it.
        let claims = [claim("8", "0", Some("30")), claim("1", "12", None), claim("1", "0", None)];
        assert_eq!(filled("100", &claims), ["30", "35", "35"]);
    }

    #[test]
    fn infeasible_says_by_how_much() {
        let over = fill(&read("10"), &[claim("1", "6", None), claim("1", "5", None)]);
        assert_eq!(over, Err(FillFault::FloorsExceedTotal { floors: read("11") }));
        let under = fill(&read("10"), &[claim("1", "0", Some("4")), claim("1", "0", Some("5"))]);
        assert_eq!(under, Err(FillFault::CapsBelowTotal { caps: read("9") }));
        let weightless = fill(&read("10"), &[claim("1", "0", Some("4")), claim("0", "1", None)]);
        assert_eq!(weightless, Err(FillFault::NothingToShareBy { left: read("5") }));
        assert_eq!(fill(&read("10"), &[]), Err(FillFault::CapsBelowTotal { caps: read("0") }));
        assert_eq!(fill(&read("0"), &[]), Ok(vec![]));
    }

    #[test]
    fn weight_zero_gets_its_floor() {
        assert_eq!(filled("10", &[claim("0", "3", None), claim("2", "0", None)]), ["3", "7"]);
    }
}

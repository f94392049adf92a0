//! Settling by hand: draws, negative pay, clawbacks, leavers, releases, amortization.

use std::collections::BTreeMap;

use super::*;
use crate::ground::money::{Currency, Money};
use crate::ground::rational::Rational;
use crate::ground::round::Rounding;
use crate::ground::trace::{Node, Unit};
use crate::plan::comp::{Clawback, Unserved};

/// The balances that the waterfall moves.
const OF_THE_PAYEE: [Account; 4] = [Account::Held, Account::Carried, Account::Draw, Account::Clawback];

fn usd() -> Currency {
    Currency::from_code("USD").expect("a currency")
}

fn who() -> Who {
    Who { payee: "A".into(), currency: usd() }
}

fn key(origin: usize, kind: Kind) -> Key {
    Key { who: who(), origin, kind, plan: "p".to_owned(), component: "c".to_owned() }
}

fn node(units: i128) -> Node {
    Node::input("earned", Unit::Money("USD".to_owned()), Rational::from_scaled(units, 2))
}

fn entitled(units: i128, payable: i128) -> Entitled {
    let released = (units != payable).then(|| node(payable));
    Entitled { amounts: Amounts { earned: units, payable }, trace: node(units), released }
}

/// A ledger that settles period after period, and checks each.
#[derive(Default)]
struct Run {
    books: Books,
    entitled: Entitlements,
    period: usize,
}

impl Run {
    fn set(&mut self, origin: usize, kind: Kind, units: i128) -> &mut Self {
        self.entitled.insert(key(origin, kind), entitled(units, units));
        self
    }

    /// Payment, and the balances held, carried, draw, clawback.
    fn settle(&mut self, terms: &Terms) -> (i128, [i128; 4]) {
        let terms = BTreeMap::from([(who(), terms.clone())]);
        let settlement =
            settle(self.period, &self.books, &self.entitled, &terms, &|period| format!("P{period}"), &|_| {
                "why".to_owned()
            });
        verify::settlement(&self.books, &self.entitled, &settlement).expect("it agrees");
        self.books.book(&settlement);
        self.period += 1;
        let paid = settlement.payments.iter().map(|payment| payment.amount).sum();
        (paid, OF_THE_PAYEE.map(|account| self.books.balance(&who(), account)))
    }

    fn earns(&mut self, units: i128, terms: &Terms) -> (i128, [i128; 4]) {
        let period = self.period;
        self.set(period, Kind::Earning, units).settle(terms)
    }
}

fn draw(units: i128) -> Terms {
    Terms { floor: Some(node(units)), ..Terms::default() }
}

#[test]
fn e37_a_recoverable_draw_is_recovered_from_what_lies_above_it() {
    // comp-draw-recoverable-04: 1,500 a month; 500 in August, 3,000 in September.
    let mut run = Run::default();
    assert_eq!(run.earns(50_000, &draw(150_000)), (150_000, [0, 0, -100_000, 0]));
    assert_eq!(run.earns(300_000, &draw(150_000)), (200_000, [0, 0, 0, 0]));
    // comp-draw-recoverable-01: recovery has not begun.
    let mut run = Run::default();
    let late = Terms { recovery: Rational::zero(), ..draw(100_000) };
    assert_eq!(run.earns(50_000, &late), (100_000, [0, 0, -50_000, 0]));
    assert_eq!(run.earns(70_000, &late), (100_000, [0, 0, -80_000, 0]));
    assert_eq!(run.earns(40_000, &late), (100_000, [0, 0, -140_000, 0]));
    // A share of what lies above, never a cent more than the share.
    let third = Terms { recovery: Rational::new(1, 3).expect("a third"), ..draw(100_000) };
    assert_eq!(run.earns(200_000, &third), (166_667, [0, 0, -106_667, 0]));
}

#[test]
fn e36_a_surplus_is_not_banked() {
    let mut run = Run::default();
    assert_eq!(run.earns(600_000, &draw(400_000)), (600_000, [0; 4]));
    assert_eq!(run.earns(200_000, &draw(300_000)), (300_000, [0, 0, -100_000, 0]));
}

#[test]
fn e38_what_a_leaver_owes_is_reported_and_not_deducted() {
    let mut run = Run::default();
    run.earns(0, &draw(100_000));
    let left = Terms { recovery: Rational::zero(), ..Terms::default() };
    assert_eq!(run.earns(50_000, &left), (50_000, [0, 0, -100_000, 0]));
}

#[test]
fn e08_a_payment_is_never_negative() {
    let mut run = Run::default();
    assert_eq!(run.earns(-70_000, &Terms::default()), (0, [0, -70_000, 0, 0]));
    assert_eq!(run.earns(30_000, &Terms::default()), (0, [0, -40_000, 0, 0]));
    assert_eq!(run.earns(100_000, &Terms::default()), (60_000, [0; 4]));
    // A draw pays its floor beside negative pay; both are owed, each in its account.
    assert_eq!(run.earns(-10_000, &draw(20_000)), (20_000, [0, -10_000, -20_000, 0]));
}

#[test]
fn a_payment_under_the_minimum_is_carried_until_it_is_reached() {
    let minimum = Terms { minimum: Some(node(5_000)), ..Terms::default() };
    let mut run = Run::default();
    assert_eq!(run.earns(3_000, &minimum), (0, [0, 3_000, 0, 0]));
    assert_eq!(run.earns(1_999, &minimum), (0, [0, 4_999, 0, 0]));
    // Exactly the minimum is paid.
    assert_eq!(run.earns(1, &minimum), (5_000, [0; 4]));
    assert_eq!(run.earns(4_999, &minimum), (0, [0, 4_999, 0, 0]));
    // Negative pay is made up for first; what is below zero then is owed as ever.
    assert_eq!(run.earns(-1_000, &minimum), (0, [0, 3_999, 0, 0]));
    assert_eq!(run.earns(-5_000, &minimum), (0, [0, -1_001, 0, 0]));
    assert_eq!(run.earns(2_000, &minimum), (0, [0, 999, 0, 0]));
    // Without a minimum, as for somebody who has left, all of it is paid.
    assert_eq!(run.earns(0, &Terms::default()), (999, [0; 4]));
    // A clawback takes its part of each period's pay once, whether that is paid or carried.
    let mut run = Run::default();
    run.earns(10_000, &minimum);
    run.set(0, Kind::Clawback, -10_000);
    let half = Terms { limit: Rational::new(1, 2).expect("a half"), ..minimum };
    assert_eq!(run.earns(6_000, &half), (0, [0, 3_000, 0, -7_000]));
    assert_eq!(run.earns(6_000, &half), (6_000, [0, 0, 0, -4_000]));
}

#[test]
fn e27_a_clawback_is_recovered_up_to_its_limit_and_never_below_the_draw() {
    let mut run = Run::default();
    run.earns(100_000, &Terms::default());
    run.set(0, Kind::Clawback, -60_000);
    let half = Terms { limit: Rational::new(1, 2).expect("a half"), ..Terms::default() };
    assert_eq!(run.earns(80_000, &half), (40_000, [0, 0, 0, -20_000]));
    let floor = Terms { floor: Some(node(50_000)), ..half };
    assert_eq!(run.earns(55_000, &floor), (50_000, [0, 0, 0, -15_000]));
    // The cancellation was a mistake: what was taken is paid back.
    run.set(0, Kind::Clawback, 0);
    assert_eq!(run.earns(0, &Terms::default()), (45_000, [0; 4]));
    assert_eq!(run.books.paid[&who()], 235_000);
}

#[test]
fn b5_a_delta_names_its_origin_and_cause_and_posted_lines_stay() {
    // comp-retro-delta-01: period 1 was posted with 100 and is 120 now.
    let mut run = Run::default();
    run.earns(10_000, &Terms::default());
    run.set(0, Kind::Earning, 12_000).set(1, Kind::Earning, 5_000);
    let settlement =
        settle(1, &run.books, &run.entitled, &BTreeMap::new(), &|period| format!("P{period}"), &|key| {
            format!("because of {}", key.component)
        });
    let lines: Vec<_> = settlement
        .lines
        .iter()
        .map(|line| (line.key.origin, line.amounts.earned, line.cause.as_deref()))
        .collect();
    assert_eq!(lines, [(0, 2_000, Some("because of c")), (1, 5_000, None)]);
    assert_eq!(settlement.lines[0].trace.children.len(), 2, "now, and booked before");
    assert_eq!(settlement.payments[0].amount, 7_000);
    // What is no longer entitled at all is taken back.
    run.entitled.clear();
    run.period = 1;
    assert_eq!(run.settle(&Terms::default()), (0, [0, -10_000, 0, 0]));
    assert_eq!(run.settle(&Terms::default()), (0, [0, -10_000, 0, 0]), "booked once");
}

#[test]
fn verification_finds_a_wrong_amount() {
    let run = Run::default();
    let entitlements = Entitlements::from([(key(0, Kind::Earning), entitled(100, 40))]);
    let good = settle(0, &run.books, &entitlements, &BTreeMap::new(), &|_| String::new(), &|_| String::new());
    assert!(verify::settlement(&run.books, &entitlements, &good).is_ok());
    assert_eq!(good.movements, [Movement { who: who(), account: Account::Held, opening: 0, change: 60 }]);
    for spoil in [
        |bad: &mut Settlement| bad.lines[0].amounts.earned += 1,
        |bad: &mut Settlement| bad.lines[0].amounts.payable -= 1,
        |bad: &mut Settlement| bad.payments[0].amount += 1,
        |bad: &mut Settlement| bad.movements[0].change += 1,
        |bad: &mut Settlement| bad.movements[0].opening += 1,
        |bad: &mut Settlement| bad.movements.clear(),
        |bad: &mut Settlement| bad.lines.clear(),
    ] {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert!(verify::settlement(&run.books, &entitlements, &bad).is_err(), "{bad:?}");
    }
}

#[test]
fn e26_a_month_that_was_begun_was_served() {
    let rule = |months, how| Clawback {
        months,
        how,
        recovery: Rational::one(),
        place: crate::ground::source::TextPlace {
            source: crate::ground::source::Source::new("p", ""),
            span: 0..0,
        },
    };
    let part = |from: &str, cancelled: &str, months, how| {
        unserved(from.parse().expect("a day"), cancelled.parse().expect("a day"), &rule(months, how))
    };
    let share = |text: &str| text.parse::<Rational>().expect("a number");
    // comp-clawback-03: cancelled in the eighth of twelve months; comp-clawback-05: after six.
    assert_eq!(part("2027-01-01", "2027-08-15", 12, Unserved::Months), share("1/3"));
    assert_eq!(part("2027-01-01", "2027-07-01", 12, Unserved::Months), share("1/2"));
    assert_eq!(part("2027-01-31", "2027-02-28", 12, Unserved::Months), share("11/12"));
    assert_eq!(part("2027-01-31", "2027-03-01", 12, Unserved::Months), share("5/6"));
    assert_eq!(part("2027-01-01", "2027-07-02", 12, Unserved::Days), share("183/365"));
    assert_eq!(part("2027-01-01", "2027-12-31", 12, Unserved::Full), share("1"));
    assert_eq!(part("2027-01-01", "2028-01-01", 12, Unserved::Full), share("0"));
    assert_eq!(part("2027-01-01", "2026-12-01", 12, Unserved::Months), share("1"));
}

#[test]
fn e28_releases_lose_no_cent() {
    let money = |units| Money { minor_units: units, currency: usd() };
    let (first, second) = (money(3_333), money(6_667));
    let earned = [("d1".to_owned(), Rational::from(7_000i64)), ("d2".to_owned(), Rational::from(3_000i64))];
    let day = |text: &str| text.parse().expect("a day");
    let due = |before: &str| Due {
        parts: vec![("booking", &first), ("cash", &second)],
        earned: &earned,
        rounding: Rounding::default(),
        before: day(before),
    };
    let cash = |a, b, transaction: &str| {
        let part = Rational::new(a, b).expect("a share");
        (("cash".to_owned(), transaction.to_owned()), vec![(day("2027-01-31"), part)])
    };
    let payable = |before: &str, receipts: Vec<_>| {
        release("x", &due(before), &Receipts(receipts.into_iter().collect(), BTreeMap::new()), &usd()).0
    };
    assert_eq!(payable("2027-02-01", vec![]), 3_333);
    // 6,667 x 7,000 / 10,000 x 1/3 = 1,555.63
    assert_eq!(payable("2027-02-01", vec![cash(1, 3, "d1")]), 3_333 + 1_556);
    assert_eq!(payable("2027-02-01", vec![cash(1, 1, "d1"), cash(3, 2, "d2")]), 10_000);
    assert_eq!(payable("2027-01-31", vec![cash(1, 1, "d1"), cash(1, 1, "d2")]), 3_333);
    let dated = |before: &str| {
        let mut due = due(before);
        due.parts[1].0 = "2027-01-31";
        release("x", &due, &Receipts::default(), &usd()).0
    };
    assert_eq!((dated("2027-01-31"), dated("2027-02-01")), (3_333, 10_000));
    // Half of 66.67 is rounded as the plan says.
    let half = |rounding| {
        let mut due = due("2027-02-01");
        due.rounding = rounding;
        let cash = [cash(1, 2, "d1"), cash(1, 2, "d2")].into_iter().collect();
        release("x", &due, &Receipts(cash, BTreeMap::new()), &usd()).0
    };
    assert_eq!(
        (half(Rounding::HalfAwayFromZero), half(Rounding::TowardZero)),
        (3_333 + 3_334, 3_333 + 3_333)
    );
}

#[test]
fn e48_amortization_is_straight_and_ends_at_zero() {
    let amortize = |booked: &[i128], rule: Amortization| amortize(booked, &|_| rule);
    let rule = |months| Amortization { months, expedient: true };
    // comp-asc340-02: 6,000 over 24 months are 250 a month.
    assert_eq!(amortize(&[600_000], rule(24)).expensed, vec![25_000; 24]);
    // comp-asc340-04: 15,000 over 36 months: 416.67, and the last month takes what rounding leaves.
    let acme = amortize(&[1_500_000], rule(36));
    assert_eq!((acme.expensed[0], acme.expensed[34], acme.expensed[35]), (41_667, 41_667, 41_655));
    assert_eq!((acme.left(1), acme.left(36)), (1_458_333, 0));
    // 3,000 over 6 months: expensed at once under the practical expedient.
    assert_eq!(amortize(&[300_000], rule(6)).expensed, [300_000, 0, 0, 0, 0, 0]);
    let spread = amortize(&[300_000], Amortization { months: 6, expedient: false });
    assert_eq!(spread.expensed, vec![50_000; 6]);
    // A clawback in the fifth month reduces the asset, and the rest is spread over what is left.
    let clawed = amortize(&[240_000, 0, 0, 0, -100_000], rule(24));
    assert_eq!((clawed.expensed[3], clawed.expensed[4]), (10_000, 5_000));
    assert_eq!(clawed.left(24), 0);
    // One that takes more than is left lowers the expense of its month; the asset is never below zero.
    let more = amortize(&[240_000, 0, 0, -240_000], rule(24));
    assert_eq!((more.expensed[3], more.left(3), more.left(4)), (-30_000, 210_000, 0));
    // Rounding up neither: 15 over 10 months are 2 a month, as long as there is something.
    let small = amortize(&[15], Amortization { months: 10, expedient: false }).expensed;
    assert_eq!(small, [2, 2, 2, 2, 2, 2, 2, 1, 0, 0]);
    // After the benefit period everything is expensed when it comes.
    assert_eq!(
        amortize(&[100, 0, 0, 50], Amortization { months: 2, expedient: false }).expensed,
        [50, 50, 0, 50]
    );
}

#[test]
fn e48_another_benefit_period_counts_from_its_month_on() {
    let rule = |months| Amortization { months, expedient: false };
    // 24,000 over 24 months; after six of them the estimate is 36: 18,000 over the 30 that are left.
    let longer = amortize(&[2_400_000], &|month| rule(if month < 6 { 24 } else { 36 }));
    assert_eq!((longer.expensed[5], longer.expensed[6], longer.expensed[35]), (100_000, 60_000, 60_000));
    assert_eq!((longer.left(6), longer.left(36)), (1_800_000, 0));
    // A shorter one that is over already: what is left is expensed in the month of the change.
    let shorter = amortize(&[2_400_000], &|month| rule(if month < 15 { 24 } else { 12 }));
    assert_eq!((shorter.expensed[14], shorter.expensed[15], shorter.left(16)), (100_000, 900_000, 0));
}

#[test]
fn e27_what_was_never_paid_is_not_owed() {
    // Sold and cancelled within one period, nine tenths not served: a tenth is paid, whatever part may be recovered.
    let limit = Terms { limit: Rational::new(1, 4).expect("a quarter"), ..Terms::default() };
    let mut run = Run::default();
    run.set(0, Kind::Clawback, -90_000);
    assert_eq!(run.earns(100_000, &limit), (10_000, [0, 0, 0, 0]));
    // What was paid is owed, and recovered up to the limit; what is late and cancelled at once is neither.
    run.set(0, Kind::Earning, 150_000).set(0, Kind::Clawback, -160_000);
    assert_eq!(run.earns(40_000, &limit), (30_000, [0, 0, 0, -10_000]));
}

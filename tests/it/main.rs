//! End-to-end tests: they spawn the program and look at what a user sees.

mod adventureworks;
mod commission;
mod commission_faults;
mod conformance;
mod fairness;
mod faults;
mod forecast;
mod help;
mod history;
mod house;
mod insight_faults;
mod ledger;
mod ledger_audit;
mod ledger_guard;
mod ledger_world;
mod literate;
mod oracle;
mod project;
mod quota_lines;
mod quota_year;
mod quotas;
mod reuse;
mod silent;
mod staffing;
mod territories;
mod versions;

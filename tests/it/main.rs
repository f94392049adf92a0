//! End-to-end tests: they spawn the program and look at what a user sees.

mod adventureworks;
mod commission;
mod conformance;
mod faults;
mod help;
mod house;
mod literate;
mod oracle;
mod project;
mod quotas;
mod staffing;
mod territories;

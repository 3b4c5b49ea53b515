//! Filters of system calls, as the kernel takes them.

use std::collections::BTreeMap;

use libc::{c_int, c_long};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter_all_threads,
};

use crate::role::Role;
use crate::{Error, told};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Gives up what a role does not need, for all threads of this process and all that it begins. What is forbidden fails
/// with EPERM; what is merely not on a role's list is not there (ENOSYS), so that libraries fall back on what is.
///
/// # Errors
/// Where the kernel takes no filters, or threads have filters of their own.
pub fn give_up_calls(role: Role) -> Result<(), Error> {
    if let Some(calls) = role.allowed() {
        let mut rules: Rules = calls.iter().map(|call| (number(*call), Vec::new())).collect();
        for family in role.families() {
            rules
                .entry(number(libc::SYS_socket))
                .or_default()
                .push(SeccompRule::new(vec![is(0, *family)?]).map_err(told)?);
        }
        if role.threads_only() {
            rules.insert(number(libc::SYS_clone), vec![SeccompRule::new(vec![thread(true)?]).map_err(told)?]);
        }
        apply(rules, SeccompAction::Errno(errno(libc::ENOSYS)), SeccompAction::Allow)?;
    }
    let mut rules: Rules = role.forbidden().iter().map(|call| (number(*call), Vec::new())).collect();
    let others = role.families().iter().map(|family| not(0, *family)).collect::<Result<Vec<_>, _>>()?;
    rules.insert(number(libc::SYS_socket), vec![SeccompRule::new(others).map_err(told)?]);
    apply(rules, SeccompAction::Allow, SeccompAction::Errno(errno(libc::EPERM)))?;
    if !role.threads_only() {
        return Ok(());
    }
    // Its flags lie in memory, where a filter cannot look: libraries take clone instead where there is none.
    let hidden = Rules::from([(number(libc::SYS_clone3), Vec::new())]);
    apply(hidden, SeccompAction::Allow, SeccompAction::Errno(errno(libc::ENOSYS)))?;
    let forks = vec![SeccompRule::new(vec![thread(false)?]).map_err(told)?];
    let processes = Rules::from([(number(libc::SYS_clone), forks)]);
    apply(processes, SeccompAction::Allow, SeccompAction::Errno(errno(libc::EPERM)))
}

fn apply(rules: Rules, otherwise: SeccompAction, matched: SeccompAction) -> Result<(), Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(told)?;
    let filter = SeccompFilter::new(rules, otherwise, matched, arch).map_err(told)?;
    let program: BpfProgram = filter.try_into().map_err(told)?;
    apply_filter_all_threads(&program).map_err(told)
}

fn is(argument: u8, value: c_int) -> Result<SeccompCondition, Error> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, family(value)).map_err(told)
}

fn not(argument: u8, value: c_int) -> Result<SeccompCondition, Error> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, family(value)).map_err(told)
}

/// What clone makes shares the memory and the signals of its maker; or not, and is another process.
fn thread(yes: bool) -> Result<SeccompCondition, Error> {
    let flag = u64::from(libc::CLONE_THREAD.unsigned_abs());
    let operation = SeccompCmpOp::MaskedEq(flag);
    SeccompCondition::new(0, SeccompCmpArgLen::Dword, operation, if yes { flag } else { 0 }).map_err(told)
}

#[allow(clippy::useless_conversion)] // c_long has another size elsewhere
fn number(call: c_long) -> i64 {
    i64::from(call)
}

fn family(value: c_int) -> u64 {
    u64::from(value.unsigned_abs())
}

fn errno(value: c_int) -> u32 {
    value.unsigned_abs()
}

//! Places in the file system, as Landlock keeps them.

use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope,
};

use crate::{Error, told};

/// The newest interface whose rights are meant here; of an older kernel's, those that it has.
const KNOWN: ABI = ABI::V6;

/// What may still be reached.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// Files and directories, with all below.
    pub read: Vec<PathBuf>,
    /// The same, where files are made, changed and removed as well.
    pub write: Vec<PathBuf>,
    /// Where programs may be begun.
    pub run: Vec<PathBuf>,
}

/// Gives up everything else for this thread and those that it begins: files, connections over TCP, signals to other
/// processes. What is open stays open; a place that does not exist is passed over. Whether the kernel keeps all of it.
///
/// # Errors
/// Where the kernel has Landlock and refuses.
pub fn give_up_files(places: &Places) -> Result<bool, Error> {
    let write = AccessFs::from_all(KNOWN) & !AccessFs::Execute;
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))
        .map_err(told)?
        .handle_access(AccessNet::ConnectTcp)
        .map_err(told)?
        .scope(Scope::Signal)
        .map_err(told)?
        .create()
        .map_err(told)?;
    for (paths, rights) in [(&places.read, read), (&places.write, write), (&places.run, read | AccessFs::Execute)] {
        for path in paths {
            let Ok(open) = PathFd::new(path) else { continue };
            // Of a file only the rights that a file has.
            let file = std::fs::metadata(path).is_ok_and(|about| !about.is_dir());
            let rights = if file { rights & AccessFs::from_file(KNOWN) } else { rights };
            rules = rules.add_rule(PathBeneath::new(open, rights)).map_err(told)?;
        }
    }
    let status = rules.restrict_self().map_err(told)?;
    Ok(status.ruleset == RulesetStatus::FullyEnforced)
}

//! One process at a time downloads a file.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// Held until it is dropped, or until the process ends.
#[derive(Debug)]
pub(super) enum Lock {
    Held {
        _file: File,
    },
    /// This file system has no locks: others may be at the same file, which this process then has to itself under a name of
    /// its own.
    Without,
}

/// Waits for whoever has the lock; `waiting` is called before that.
pub(super) fn take(path: &Path, waiting: impl FnOnce()) -> io::Result<Lock> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock::Held { _file: file }),
        Err(TryLockError::WouldBlock) => {
            waiting();
            let held = file.lock();
            Ok(if held.is_ok() { Lock::Held { _file: file } } else { Lock::Without })
        }
        Err(TryLockError::Error(_)) => Ok(Lock::Without),
    }
}

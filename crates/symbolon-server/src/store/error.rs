//! Why the store cannot be used.

use std::io;
use std::path::{Path, PathBuf};

/// Why the store cannot be used. It is then left as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Something failed at the file system.
    #[error("the store {}: {problem}; choose another state folder with SYMBOLON_STATE_DIR", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What failed.
        problem: io::Error,
    },
    /// The folder has had a store, and it is gone.
    #[error(
        "the store {} is missing, and the folder has had one; restore it from a backup, or delete {} to start with \
         nothing",
        path.display(), marker.display()
    )]
    Missing {
        /// Where it was.
        path: PathBuf,
        /// What tells of it.
        marker: PathBuf,
    },
    /// The store is another one than the folder's.
    #[error(
        "the store {} is not the one that this folder had; restore the right one, or delete {} to keep this one",
        path.display(), marker.display()
    )]
    Exchanged {
        /// Which file.
        path: PathBuf,
        /// What tells of the other one.
        marker: PathBuf,
    },
    /// The file is a store of ours no more.
    #[error("the store {} is damaged ({problem}); restore it from a backup. It was left as it is", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What was found.
        problem: String,
    },
    /// Another program made the file.
    #[error(
        "{} is not a store of this program; move it away, or choose another state folder with SYMBOLON_STATE_DIR",
        path.display()
    )]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// A later version of this program made the file.
    #[error(
        "the store {} has schema {found}, made by a later version of this program; this one knows schemas up to {known}. \
         Run the later version, or restore a backup from before",
        path.display()
    )]
    Later {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: usize,
        /// The last schema that this program knows.
        known: usize,
    },
    /// Others on this machine can read the file.
    #[error("the store {} {problem}", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// How.
        problem: String,
    },
    /// A statement failed.
    #[error("the store {} failed: {problem}", path.display())]
    Failed {
        /// Which file.
        path: PathBuf,
        /// What the database says.
        problem: sqlx::Error,
    },
    /// The system gave no random bytes.
    #[error("the operating system gave no random bytes: {0}")]
    Random(getrandom::Error),
}

impl StoreError {
    /// A statement that failed. Some failures say that the file is damaged.
    pub(crate) fn failed(path: &Path, problem: sqlx::Error) -> Self {
        if says_damaged(&problem) {
            return Self::damaged(path, &problem);
        }
        Self::Failed { path: path.to_owned(), problem }
    }

    /// A row that cannot be read.
    pub(super) fn unreadable(path: &Path, problem: &str) -> Self {
        Self::Damaged { path: path.to_owned(), problem: problem.to_owned() }
    }

    pub(super) fn damaged(path: &Path, problem: &sqlx::Error) -> Self {
        Self::Damaged { path: path.to_owned(), problem: problem.to_string() }
    }
}

/// `SQLITE_CORRUPT` and `SQLITE_NOTADB`.
fn says_damaged(problem: &sqlx::Error) -> bool {
    let code = problem.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<u32>().ok());
    matches!(code.map(|code| code & 0xff), Some(11 | 26))
}

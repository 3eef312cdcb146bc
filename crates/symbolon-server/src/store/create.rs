//! The first start of a folder, and the mark that tells it from a loss.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};

use super::{APPLICATION_ID, Result, StoreError, migrations, options};

/// Makes a new store, unless there is one. A folder that has had one and lost it gets none.
pub(super) async fn unless_there(folder: &Path, path: &Path) -> Result<()> {
    let exists = path.try_exists().map_err(at(path))?;
    if exists {
        return Ok(());
    }
    let marker = folder.join(MARKER);
    if marker.try_exists().map_err(at(&marker))? {
        return Err(StoreError::Missing { path: path.to_owned(), marker });
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at(folder))?;
    let temporary = folder.join(format!(".{}", random_name()?));
    let made = make(&temporary, path).await;
    remove(&temporary);
    made?;
    sync(folder)
}

/// Notes in the folder which store it has.
pub(super) async fn mark(folder: &Path, path: &Path, connection: &mut SqliteConnection) -> Result<()> {
    let marker = folder.join(MARKER);
    let id: String = sqlx::query_scalar("SELECT id FROM store")
        .fetch_one(&mut *connection)
        .await
        .map_err(|problem| StoreError::damaged(path, &problem))?;
    let line = format!("{id}\n");
    match fs::read_to_string(&marker) {
        Ok(text) if text == line => return Ok(()),
        Ok(_) => return Err(StoreError::Exchanged { path: path.to_owned(), marker }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(problem) => return Err(StoreError::Io { path: marker, problem }),
    }
    let temporary = folder.join(format!(".{}", random_name()?));
    let written = write_new(&temporary, line.as_bytes()).and_then(|()| fs::rename(&temporary, &marker));
    written.map_err(at(&marker))?;
    sync(folder)
}

/// Makes the file beside its place, whole, and puts it there unless another process was first.
async fn make(temporary: &Path, path: &Path) -> Result<()> {
    write_new(temporary, b"").map_err(at(temporary))?;
    let failed = |problem| StoreError::failed(temporary, problem);
    let mut connection = options(temporary).page_size(PAGE_SIZE).connect().await.map_err(failed)?;
    let id = format!("PRAGMA application_id = {APPLICATION_ID}");
    sqlx::raw_sql(AssertSqlSafe(id)).execute(&mut connection).await.map_err(failed)?;
    migrations::run(&mut connection, temporary).await?;
    // The last connection to close leaves one file, with everything in it.
    connection.close().await.map_err(failed)?;
    File::open(temporary).and_then(|file| file.sync_all()).map_err(at(temporary))?;
    match fs::hard_link(temporary, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(at(path)(error)),
        _ => Ok(()),
    }
}

fn remove(temporary: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = temporary.as_os_str().to_owned();
        name.push(suffix);
        // What is left over does no harm.
        let _ = fs::remove_file(PathBuf::from(name));
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))
}

fn random_name() -> Result<String> {
    getrandom::u64().map(|number| format!("new-{number:016x}")).map_err(StoreError::Random)
}

fn at(path: &Path) -> impl Fn(io::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |problem| StoreError::Io { path: path.clone(), problem }
}

/// Holds the store's id: the folder has one.
pub(super) const MARKER: &str = "symbolon.db.id";

/// In bytes. Larger pages make long runs of records cheaper, and single changes dearer; a sync costs more than either.
pub(super) const PAGE_SIZE: u32 = 16_384;

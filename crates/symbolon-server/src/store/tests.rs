//! What a folder's store survives, and what it refuses.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::testing::TempFolder;

async fn open(folder: &TempFolder) -> Result<Store> {
    Store::open(folder.path()).await
}

async fn run(store: &Store, sql: &'static str) {
    let mut connection = store.connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// The sentence of the refusal; the file must be as it was.
async fn refusal(folder: &TempFolder) -> String {
    let path = folder.path().join(FILE);
    let before = fs::read(&path).ok();
    let error = open(folder).await.unwrap_err().to_string();
    assert!(fs::read(&path).ok() == before, "{error}");
    assert!(error.contains(FILE), "{error}");
    error
}

#[tokio::test]
async fn the_second_start_finds_what_the_first_left() {
    let folder = TempFolder::new();
    let nested = folder.path().join("deep/er");
    let store = Store::open(&nested).await.unwrap();
    run(&store, "INSERT INTO audit (at, record) VALUES (1, '{}')").await;
    drop(store);
    let store = Store::open(&nested).await.unwrap();
    let mut connection = store.connect().await.unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM audit").fetch_one(&mut connection).await.unwrap();
    assert_eq!(rows, 1);
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut connection).await.unwrap();
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut connection).await.unwrap();
    assert_eq!((synchronous, &*journal), (2, "wal"));
}

#[tokio::test]
async fn everything_is_for_its_owner_only_and_nothing_else_is_left() {
    let folder = TempFolder::new();
    let nested = folder.path().join("state");
    let store = Store::open(&nested).await.unwrap();
    let _connection = store.connect().await.unwrap();
    run(&store, "INSERT INTO audit (at, record) VALUES (1, '{}')").await;
    assert_eq!(fs::metadata(&nested).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in fs::read_dir(&nested).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        assert!(name.starts_with(FILE), "{name}");
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn many_first_starts_at_once_make_one_store() {
    let folder = TempFolder::new();
    let starts: Vec<_> = (0..8)
        .map(|_| {
            let path = folder.path().to_owned();
            tokio::spawn(async move { Store::open(&path).await })
        })
        .collect();
    for start in starts {
        start.await.unwrap().unwrap();
    }
    open(&folder).await.unwrap();
}

#[tokio::test]
async fn a_lost_store_is_noticed() {
    let folder = TempFolder::new();
    open(&folder).await.unwrap();
    fs::remove_file(folder.path().join(FILE)).unwrap();
    let error = refusal(&folder).await;
    assert!(error.contains("is missing") && error.contains(create::MARKER), "{error}");
    fs::remove_file(folder.path().join(create::MARKER)).unwrap();
    open(&folder).await.unwrap();
}

#[tokio::test]
async fn the_store_of_another_folder_is_noticed() {
    let (folder, other) = (TempFolder::new(), TempFolder::new());
    for folder in [&folder, &other] {
        open(folder).await.unwrap();
    }
    fs::copy(other.path().join(FILE), folder.path().join(FILE)).unwrap();
    let error = refusal(&folder).await;
    assert!(error.contains("not the one that this folder had"), "{error}");
}

#[tokio::test]
async fn damaged_and_foreign_files_are_named_and_left_alone() {
    let folder = TempFolder::new();
    let path = folder.path().join(FILE);
    let put = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    };
    open(&folder).await.unwrap();
    let whole = fs::read(&path).unwrap();

    put(b"");
    assert!(refusal(&folder).await.contains("is damaged (it is empty)"));
    put(b"a shopping list: bread, butter, jam");
    assert!(refusal(&folder).await.contains("is not a store of this program"));
    put(&whole[..whole.len() / 2]);
    assert!(refusal(&folder).await.contains("is damaged"));
    let page_size = create::PAGE_SIZE as usize;
    for page in 0..whole.len() / page_size {
        let mut torn = whole.clone();
        // Behind the header of the file on the first page.
        let from = if page == 0 { 100 } else { page * page_size };
        torn[from..from + 64].fill(0xa5);
        put(&torn);
        // The pages of the audit are not read at a start.
        if let Err(error) = open(&folder).await {
            assert!(error.to_string().contains("is damaged"), "{page} {error}");
            assert!(fs::read(&path).unwrap() == torn);
        } else {
            assert!(page > 0);
        }
    }
    put(&whole);
    open(&folder).await.unwrap();
}

#[tokio::test]
async fn a_database_of_another_program_is_left_alone() {
    let folder = TempFolder::new();
    let path = folder.path().join(FILE);
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql("CREATE TABLE songs (title TEXT)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let error = open(&folder).await.unwrap_err().to_string();
    assert!(error.contains("is not a store of this program"), "{error}");
}

#[tokio::test]
async fn a_store_of_a_later_version_is_left_alone() {
    let folder = TempFolder::new();
    let store = open(&folder).await.unwrap();
    run(&store, "PRAGMA user_version = 999").await;
    let error = refusal(&folder).await;
    assert!(error.contains("schema 999") && error.contains("later version"), "{error}");
}

#[tokio::test]
async fn a_store_that_others_can_read_is_refused() {
    let folder = TempFolder::new();
    open(&folder).await.unwrap();
    fs::set_permissions(folder.path().join(FILE), fs::Permissions::from_mode(0o644)).unwrap();
    let error = refusal(&folder).await;
    assert!(error.contains("0644") && error.contains("0600"), "{error}");
}

#[tokio::test]
async fn steps_are_taken_once_and_whole() {
    let folder = TempFolder::new();
    let store = open(&folder).await.unwrap();
    let mut connection = store.connect().await.unwrap();
    let broken = [migrations::STEPS, &["CREATE TABLE one (a); CREATE TABLE audit (b)"]].concat();
    migrations::run_steps(&mut connection, store.path(), &broken).await.unwrap_err();
    let mended = [migrations::STEPS, &["CREATE TABLE one (a)", "CREATE TABLE two (b)"]].concat();
    for _ in 0..2 {
        migrations::run_steps(&mut connection, store.path(), &mended).await.unwrap();
    }
    // Going back to the program from before is noticed.
    let error = migrations::run(&mut connection, store.path()).await.unwrap_err().to_string();
    assert!(error.contains("later version"), "{error}");
}

#[tokio::test]
async fn a_change_by_another_is_seen_and_records_of_the_audit_are_none() {
    let folder = TempFolder::new();
    let (store, other) = (open(&folder).await.unwrap(), open(&folder).await.unwrap());
    let mut changed = store.changed();
    run(&other, "UPDATE store SET changes = changes + 1").await;
    changed.wait_for(|changes| *changes == 1).await.unwrap();
    run(&other, "INSERT INTO audit (at, record) VALUES (1, '{}')").await;
    run(&other, "UPDATE store SET changes = changes + 1").await;
    changed.wait_for(|changes| *changes == 2).await.unwrap();
}

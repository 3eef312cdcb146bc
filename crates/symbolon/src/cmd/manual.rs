//! `symbolon completions` and `symbolon man`: what the shell and the reader need of the command line.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

/// Prints the completions of a shell.
pub(crate) fn completions(shell: Shell, mut program: Command) -> Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut program, "symbolon", &mut text);
    io::stdout().write_all(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the manual page of a command.
pub(crate) fn page(path: &[String], mut program: Command) -> Result<ExitCode> {
    program.build();
    let mut command = &program;
    for name in path {
        command = command.find_subcommand(name).with_context(|| format!("there is no command {name:?}"))?;
    }
    let mut text = Vec::new();
    Man::new(command.clone()).render(&mut text)?;
    io::stdout().write_all(&text)?;
    Ok(ExitCode::SUCCESS)
}

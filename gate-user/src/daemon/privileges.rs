//! What `gated` may do: what it was given, until the programs are loaded, and little from then on.
//!
//! Capabilities belong to threads. So all that it takes to load programs is kept by one thread, the
//! [`Loader`], which does that and ends; every other thread of the process is started without.

use std::{io, panic::resume_unwind, sync::mpsc, thread};

use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs,
};

use super::DaemonError;

/// What is kept, of what was given.
const KEPT: CapabilitySet = CapabilitySet::NET_ADMIN // putting loaded programs on interfaces
    .union(CapabilitySet::CHOWN) // the group of a socket
    .union(CapabilitySet::DAC_OVERRIDE) // a socket in the mail server's directory, a Maildir
    .union(CapabilitySet::NET_BIND_SERVICE); // a page on a port below 1024

type Job = Box<dyn FnOnce() + Send>;

/// The thread that may load programs.
#[derive(Debug)]
pub struct Loader {
    jobs: mpsc::Sender<Job>,
    thread: thread::JoinHandle<()>,
}

impl Loader {
    /// Starts it, and gives up for all other threads what it alone is to have. To be called before
    /// there are other threads.
    ///
    /// # Errors
    ///
    /// [`DaemonError::Privileges`].
    pub fn start() -> Result<Self, DaemonError> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        // Nothing is run, and were it, it would gain nothing.
        set_no_new_privs(true).map_err(|error| DaemonError::Privileges(error.into()))?;
        let thread = thread::Builder::new()
            .name("loader".to_owned())
            .spawn(move || {
                if let Ok(job) = inbox.recv() {
                    job();
                }
            })
            .map_err(DaemonError::Privileges)?;
        give_up().map_err(DaemonError::Privileges)?;
        Ok(Self { jobs, thread })
    }

    /// Does `work` with all that the process was given; afterwards nobody has that any more.
    pub(super) fn load<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (done, result) = mpsc::channel();
        let job = Box::new(move || {
            // Whoever waits for it is there, unless it panics.
            let _ = done.send(work());
        });
        let sent = self.jobs.send(job);
        if let Err(panic) = self.thread.join() {
            resume_unwind(panic);
        }
        sent.expect("the thread waits for a job");
        result.recv().expect("the thread has done its job")
    }
}

/// Leaves this thread, and those that it starts, with [`KEPT`].
fn give_up() -> io::Result<()> {
    let CapabilitySets {
        permitted,
        effective,
        ..
    } = capabilities(None)?;
    set_capabilities(
        None,
        CapabilitySets {
            permitted: permitted & KEPT,
            effective: effective & KEPT,
            inheritable: CapabilitySet::empty(),
        },
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_has_what_was_given_and_nobody_else_more_than_is_kept() {
        // In a thread of its own: the other tests keep what they have.
        let test = thread::spawn(|| {
            let given = capabilities(None).unwrap().permitted;
            let loader = Loader::start().unwrap();
            let here = capabilities(None).unwrap();
            assert_eq!(here.permitted, given & KEPT);
            assert!(!here.effective.contains(CapabilitySet::SYS_ADMIN));
            let there = thread::spawn(|| capabilities(None).unwrap())
                .join()
                .unwrap();
            assert_eq!(there.permitted, given & KEPT);
            let loading = loader.load(|| capabilities(None).unwrap());
            assert_eq!(loading.permitted, given);
        });
        test.join().unwrap();
    }
}

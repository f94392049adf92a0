//! `spm`: sales performance management as code.

mod cli;
mod insight;
mod ledger;
mod report;

/// Tables come and go by the gigabyte. The system's allocator hands each back to the kernel, which clears every page
/// anew: a third of the time of a run on ten million transactions (`docs/decisions.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc 3: after how many milliseconds free memory goes back to the kernel; -1: never.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// `mi_option_allow_large_os_pages` of mimalloc 3: memory comes in pages of megabytes where the kernel has them, which is cleared
/// in a fraction of the time.
const LARGE_PAGES: libmimalloc_sys::mi_option_t = 6;

#[expect(unsafe_code, reason = "the allocator's options have no other interface")]
fn main() -> std::process::ExitCode {
    // SAFETY: the first statement of the program; nothing else runs that could read the options meanwhile.
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, -1);
        libmimalloc_sys::mi_option_set(LARGE_PAGES, 1);
    }
    cli::main()
}

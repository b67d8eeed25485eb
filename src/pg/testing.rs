//! What tests need and SQL has no word for.

use core::ffi::CStr;
use pgrx::pg_sys;

/// The text form of what the type's binary input function makes of these bytes.
pub fn receive(type_oid: pg_sys::Oid, bytes: &[u8]) -> String {
    unsafe {
        let (mut receive, mut io_param) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
        pg_sys::getTypeBinaryInputInfo(type_oid, &mut receive, &mut io_param);
        let message = pg_sys::makeStringInfo();
        pg_sys::appendBinaryStringInfo(message, bytes.as_ptr().cast(), bytes.len() as i32);
        let value = pg_sys::OidReceiveFunctionCall(receive, message, io_param, -1);
        let (mut output, mut is_varlena) = (pg_sys::InvalidOid, false);
        pg_sys::getTypeOutputInfo(type_oid, &mut output, &mut is_varlena);
        let text = pg_sys::OidOutputFunctionCall(output, value);
        CStr::from_ptr(text).to_string_lossy().into_owned()
    }
}

/// A number of kB from /proc/self/status.
fn status(name: &str) -> i64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("a line of status");
    line.trim_start_matches(':').trim_end_matches("kB").trim().parse().expect("a number")
}

/// The most memory that this process has had, in kB, without what it shares; from now on, if `reset`.
pub fn peak_memory(reset: bool) -> i64 {
    if reset {
        std::fs::write("/proc/self/clear_refs", "5").expect("the peak is reset");
    }
    status("VmHWM") - status("RssShmem")
}

/// The bytes of address space that this process has.
pub fn address_space() -> usize {
    status("VmSize") as usize * 1024
}

/// Refuses this process more address space than this; None lifts the limit.
pub fn limit_memory(bytes: Option<usize>) {
    const RLIMIT_AS: i32 = 9;
    unsafe extern "C" {
        fn getrlimit(resource: i32, limits: *mut [u64; 2]) -> i32;
        fn setrlimit(resource: i32, limits: *const [u64; 2]) -> i32;
    }
    let mut limits = [0; 2];
    unsafe {
        getrlimit(RLIMIT_AS, &mut limits);
        limits[0] = bytes.map_or(limits[1], |bytes| bytes as u64);
        assert_eq!(setrlimit(RLIMIT_AS, &limits), 0);
    }
}

//! A call from PostgreSQL: arguments in, a value or NULL or an error out.
//!
//! `sql_function!` makes the C symbols of a function whose SQL declaration is in `sql/*.sql`. It is used where
//! `#[pg_extern]` has no word for the signature: `internal` states, VARIADIC "any", polymorphic arguments, and the
//! same body for many state types. The accessors trust the SQL declaration for the type of an argument.

use crate::pg::error::Fail;
use crate::pg::memory;
use crate::pg::named;
use crate::pg::varlena::{self, Bytes};
use core::ffi::CStr;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;

/// Makes `tally_<name>` callable by PostgreSQL; `<name>` is given as two literals so that macros can build it. Of two bodies the first
/// is tried without a guard (see `enter_shortly`).
#[macro_export]
macro_rules! sql_function {
    ($family:literal, $name:literal, $body:expr) => {
        $crate::sql_function!(@enter $family, $name, $body);
    };
    ($family:literal, $name:literal, $short:expr, $body:expr) => {
        $crate::sql_function!(@enter_shortly $family, $name, $short, $body);
    };
    (@$enter:ident $family:literal, $name:literal, $($body:expr),+) => {
        const _: () = {
            #[unsafe(export_name = concat!("pg_finfo_tally_", $family, $name))]
            pub extern "C" fn info() -> &'static ::pgrx::pg_sys::Pg_finfo_record {
                static V1: ::pgrx::pg_sys::Pg_finfo_record =
                    ::pgrx::pg_sys::Pg_finfo_record { api_version: 1 };
                &V1
            }
            #[unsafe(export_name = concat!("tally_", $family, $name))]
            pub unsafe extern "C-unwind" fn call(
                fcinfo: ::pgrx::pg_sys::FunctionCallInfo,
            ) -> ::pgrx::pg_sys::Datum {
                unsafe { $crate::pg::call::$enter(fcinfo, $($body),+) }
            }
        };
    };
}

/// What a function gives back: a value, SQL NULL, or an error.
pub type Out = Result<Option<Value>, Fail>;

/// A value that is ready to be returned.
#[derive(Clone, Copy)]
pub struct Value(pg_sys::Datum);

impl Value {
    pub fn raw(datum: pg_sys::Datum) -> Self {
        Value(datum)
    }
    pub fn datum(self) -> pg_sys::Datum {
        self.0
    }
    pub fn bool(v: bool) -> Self {
        Value(pg_sys::Datum::from(v))
    }
    pub fn int8(v: i64) -> Self {
        Value(pg_sys::Datum::from(v))
    }
    pub fn float8(v: f64) -> Self {
        Value(pg_sys::Datum::from(v.to_bits()))
    }
    /// bytea, a state, or the payload of a numeric.
    pub fn bytes(v: &[u8]) -> Self {
        Value(varlena::from_bytes(v))
    }
    pub fn interval(months: i32, days: i32, micros: i64) -> Self {
        unsafe {
            let ptr: *mut pg_sys::Interval =
                pg_sys::palloc(core::mem::size_of::<pg_sys::Interval>()).cast();
            ptr.write(pg_sys::Interval { time: micros, day: days, month: months });
            Value(pg_sys::Datum::from(ptr))
        }
    }
    pub fn uuid(v: &[u8; 16]) -> Self {
        unsafe {
            let ptr: *mut [u8; 16] = pg_sys::palloc(16).cast();
            ptr.write(*v);
            Value(pg_sys::Datum::from(ptr))
        }
    }
    /// A C string; `v` has no NUL byte in it.
    pub fn cstring(v: &[u8]) -> Self {
        unsafe {
            let ptr: *mut u8 = pg_sys::palloc(varlena::checked(v.len() + 1)).cast();
            core::ptr::copy_nonoverlapping(v.as_ptr(), ptr, v.len());
            ptr.add(v.len()).write(0);
            Value(pg_sys::Datum::from(ptr))
        }
    }
}

/// The arguments and the call site of one call.
pub struct Call(pg_sys::FunctionCallInfo);

/// # Safety
/// Called by PostgreSQL's function manager with a valid `fcinfo`.
#[inline]
pub unsafe fn enter<F: FnOnce(&Call) -> Out>(
    fcinfo: pg_sys::FunctionCallInfo,
    body: F,
) -> pg_sys::Datum {
    unsafe {
        pg_sys::submodules::panic::pgrx_extern_c_guard(move || {
            (*fcinfo).isnull = false;
            let cushion = memory::Cushion;
            let out = memory::enter().and_then(|()| body(&Call(fcinfo))).and_then(|out| memory::leave().map(|()| out));
            let datum = match out {
                Ok(Some(value)) => value.0,
                Err(fail) if !is_soft(fcinfo) => fail.raise(),
                Ok(None) | Err(_) => {
                    (*fcinfo).isnull = true;
                    pg_sys::Datum::null()
                }
            };
            core::mem::forget(cushion);
            datum
        })
    }
}

/// As [`enter`], after `short`, which does what most calls want or nothing at all, and neither panics, nor raises an error, nor asks for
/// memory. So it needs none of what stands between PostgreSQL and Rust.
///
/// # Safety
/// Called by PostgreSQL's function manager with a valid `fcinfo`.
#[inline(always)]
pub unsafe fn enter_shortly<F: FnOnce(&Call) -> Out>(
    fcinfo: pg_sys::FunctionCallInfo,
    short: impl FnOnce(&Call) -> Option<Value>,
    body: F,
) -> pg_sys::Datum {
    unsafe {
        match short(&Call(fcinfo)) {
            Some(value) => {
                (*fcinfo).isnull = false;
                value.0
            }
            None => enter_apart(fcinfo, body),
        }
    }
}

/// Not inlined: the short way should not have to save registers for the long one.
#[inline(never)]
unsafe fn enter_apart<F: FnOnce(&Call) -> Out>(fcinfo: pg_sys::FunctionCallInfo, body: F) -> pg_sys::Datum {
    unsafe { enter(fcinfo, body) }
}

/// Does the caller of an input function only want to know that there was an error (pg_input_is_valid, COPY … ON_ERROR)?
unsafe fn is_soft(fcinfo: pg_sys::FunctionCallInfo) -> bool {
    #[cfg(not(feature = "pg15"))]
    unsafe {
        let context = (*fcinfo).context;
        if !context.is_null() && (*context).type_ == pg_sys::NodeTag::T_ErrorSaveContext {
            let save = context.cast::<pg_sys::ErrorSaveContext>();
            (*save).error_occurred = !(*save).details_wanted;
            return (*save).error_occurred;
        }
    }
    let _ = fcinfo;
    false
}

impl Call {
    #[inline]
    pub fn fcinfo(&self) -> pg_sys::FunctionCallInfo {
        self.0
    }

    #[inline]
    pub fn nargs(&self) -> usize {
        unsafe { (*self.0).nargs as usize }
    }

    pub fn collation(&self) -> pg_sys::Oid {
        unsafe { (*self.0).fncollation }
    }

    #[inline]
    pub fn flinfo(&self) -> Result<*mut pg_sys::FmgrInfo, Fail> {
        let info = unsafe { (*self.0).flinfo };
        if info.is_null() {
            return Err(Fail::new(
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                "this function cannot be called without its call site",
            ));
        }
        Ok(info)
    }

    /// Argument `i`, None if NULL or absent.
    #[inline]
    pub fn datum(&self, i: usize) -> Option<pg_sys::Datum> {
        if i >= self.nargs() {
            return None;
        }
        let arg = unsafe { &*(&raw const (*self.0).args).cast::<pg_sys::NullableDatum>().add(i) };
        (!arg.isnull).then_some(arg.value)
    }

    #[inline]
    pub fn int2(&self, i: usize) -> Option<i16> {
        self.datum(i).map(|d| d.value() as i16)
    }
    #[inline]
    pub fn int4(&self, i: usize) -> Option<i32> {
        self.datum(i).map(|d| d.value() as i32)
    }
    #[inline]
    pub fn int8(&self, i: usize) -> Option<i64> {
        self.datum(i).map(|d| d.value() as i64)
    }
    #[inline]
    pub fn float4(&self, i: usize) -> Option<f32> {
        self.datum(i).map(|d| f32::from_bits(d.value() as u32))
    }
    #[inline]
    pub fn float8(&self, i: usize) -> Option<f64> {
        self.datum(i).map(|d| f64::from_bits(d.value() as u64))
    }

    /// The bytes of a varlena argument without its header.
    #[inline]
    pub fn bytes(&self, i: usize) -> Option<Bytes<'_>> {
        self.datum(i).map(|d| unsafe { Bytes::new(d) })
    }

    /// The same, None also if to have them takes memory.
    #[inline(always)]
    pub fn plain_bytes(&self, i: usize) -> Option<&[u8]> {
        self.datum(i).and_then(|d| unsafe { varlena::plain(d) })
    }

    /// (months, days, microseconds)
    #[inline]
    pub fn interval(&self, i: usize) -> Option<(i32, i32, i64)> {
        self.datum(i).map(|d| {
            let v = unsafe { d.cast_mut_ptr::<pg_sys::Interval>().read_unaligned() };
            (v.month, v.day, v.time)
        })
    }

    pub fn cstring(&self, i: usize) -> Option<&[u8]> {
        self.datum(i).map(|d| unsafe { CStr::from_ptr(d.cast_mut_ptr()).to_bytes() })
    }

    /// The rest of the message that a receive function is given; marks it as read.
    pub fn message(&self, i: usize) -> Option<&[u8]> {
        self.datum(i).map(|d| unsafe {
            let info = &mut *d.cast_mut_ptr::<pg_sys::StringInfoData>();
            let start = info.cursor.clamp(0, info.len);
            info.cursor = info.len;
            core::slice::from_raw_parts(
                info.data.cast::<u8>().add(start as usize),
                (info.len - start) as usize,
            )
        })
    }

    /// The declared type of argument `i` at this call site.
    pub fn arg_type(&self, i: usize) -> Result<pg_sys::Oid, Fail> {
        let oid = unsafe { pg_sys::get_fn_expr_argtype(self.flinfo()?, i as i32) };
        if oid == pg_sys::InvalidOid {
            return Err(Fail::new(
                PgSqlErrorCode::ERRCODE_INDETERMINATE_DATATYPE,
                "could not determine the type of an argument",
            ));
        }
        Ok(oid)
    }

    /// Called as `f(VARIADIC array)`?
    pub fn is_variadic_array(&self) -> Result<bool, Fail> {
        Ok(unsafe { pg_sys::get_fn_expr_variadic(self.flinfo()?) })
    }

    /// The collation of argument `i`'s expression, of an aggregate's input as well as of a plain function's.
    pub fn arg_collation(&self, i: usize) -> pg_sys::Oid {
        unsafe {
            let aggref = if (*self.0).context.is_null() {
                core::ptr::null_mut()
            } else {
                pg_sys::AggGetAggref(self.0)
            };
            if !aggref.is_null() {
                // Argument 0 of a transition function is the state.
                return match i.checked_sub(1).and_then(|i| nth((*aggref).args, i)) {
                    Some(entry) => {
                        let entry = entry.cast::<pg_sys::TargetEntry>();
                        pg_sys::exprCollation((*entry).expr.cast())
                    }
                    None => self.collation(),
                };
            }
            if let Some(collation) = i.checked_sub(1).and_then(|i| self.window_collation(i)) {
                return collation;
            }
            let info = (*self.0).flinfo;
            if !info.is_null() && pgrx::is_a((*info).fn_expr.cast(), pg_sys::NodeTag::T_FuncExpr) {
                let expr = (*info).fn_expr.cast::<pg_sys::FuncExpr>();
                if let Some(node) = nth((*expr).args, i) {
                    return pg_sys::exprCollation(node.cast());
                }
            }
            self.collation()
        }
    }

    /// The collation of argument `i` of an aggregate that is a window function: PostgreSQL tells it only that of the call, which is none if theirs are in
    /// conflict, so the plan is asked. Of several calls that look like this one a nondeterministic one has the say.
    unsafe fn window_collation(&self, i: usize) -> Option<pg_sys::Oid> {
        unsafe {
            let (context, info) = ((*self.0).context, (*self.0).flinfo);
            if info.is_null() || context.is_null() || (*context).type_ != pg_sys::NodeTag::T_WindowAggState {
                return None;
            }
            let all = (*context.cast::<pg_sys::WindowAggState>()).funcs;
            (0..)
                .map_while(|n| nth(all, n))
                .map(|state| &*(*state.cast::<pg_sys::WindowFuncExprState>()).wfunc)
                .filter(|f| f.inputcollid == self.collation() && named::transition_function(f.winfnoid) == (*info).fn_oid)
                .filter_map(|f| nth(f.args, i))
                .map(|argument| pg_sys::exprCollation(argument.cast()))
                .max_by_key(|collation| *collation != pg_sys::InvalidOid && !pg_sys::get_collation_isdeterministic(*collation))
        }
    }
}

/// Element `i` of a list of pointers.
unsafe fn nth(list: *mut pg_sys::List, i: usize) -> Option<*mut core::ffi::c_void> {
    unsafe {
        if list.is_null() || i >= (*list).length as usize {
            return None;
        }
        Some((*(*list).elements.add(i)).ptr_value)
    }
}

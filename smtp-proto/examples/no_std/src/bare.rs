//! What the standard library does for other programs: the heap, the entry point, and the end after a panic.
#![expect(unsafe_code, reason = "nothing else in this program is below the language")]

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_int;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicUsize, Ordering};

use libc_print::std_name::eprintln;
use spinning_top::RawSpinlock;
use talc::TalcLock;
use talc::source::Claim;

/// Octets of the heap.
pub(crate) const SIZE: usize = 16 * 1024;

#[global_allocator]
pub(crate) static HEAP: Heap = Heap {
    // Sound: nothing else can name the memory.
    talc: TalcLock::new(unsafe {
        static mut MEMORY: [u8; SIZE] = [0; SIZE];
        Claim::array(&raw mut MEMORY)
    }),
    most: AtomicUsize::new(0),
};

/// An allocator that knows how much was in use at most.
pub(crate) struct Heap {
    talc: TalcLock<RawSpinlock, Claim>,
    most: AtomicUsize,
}

impl Heap {
    /// Octets that are in use.
    pub(crate) fn in_use(&self) -> usize {
        self.talc.lock().counters().allocated_bytes
    }

    /// Octets that were in use at one time, at most.
    pub(crate) fn most_in_use(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    fn watch(&self, allocated: *mut u8) -> *mut u8 {
        self.most.fetch_max(self.in_use(), Ordering::Relaxed);
        allocated
    }
}

// Sound: all of it is left to the allocator.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.watch(unsafe { self.talc.alloc(layout) })
    }

    unsafe fn dealloc(&self, allocated: *mut u8, layout: Layout) {
        unsafe { self.talc.dealloc(allocated, layout) }
    }

    unsafe fn realloc(&self, allocated: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.watch(unsafe { self.talc.realloc(allocated, layout, size) })
    }
}

/// Called by the C runtime.
// Sound: nothing else in the program has this name.
#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    c_int::from(!crate::run())
}

#[panic_handler]
fn panic(panic: &PanicInfo<'_>) -> ! {
    eprintln!("{panic}");
    // Sound: it can be called at any time.
    unsafe { libc::abort() }
}

// The compiled `alloc` of this target is made for programs that unwind and asks for these two, though nothing unwinds
// here and nobody calls them.
// Sound: nothing else in the program has these names.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() {}

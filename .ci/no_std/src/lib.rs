//! A program without std that has the three cores in it: linking it is the whole test.
#![no_std]

extern crate alloc;
// Named, so that they are linked though nothing of them is called.
extern crate mcp_client_core as _;
extern crate mcp_proto as _;
extern crate mcp_server_core as _;

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

struct NoMemory;

// SAFETY: a null pointer is the documented way to refuse; nothing is ever handed out to free.
unsafe impl GlobalAlloc for NoMemory {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: NoMemory = NoMemory;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

//! Mistakes are errors of the compiler, which name the fix.

#[test]
fn mistakes_are_compile_errors() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/errors/*.rs");
    cases.pass("tests/passes/*.rs");
}

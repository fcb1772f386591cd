use super::script::*;

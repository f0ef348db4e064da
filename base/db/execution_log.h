// Which statements a run of the tests ever executed.
#pragma once

namespace tidemark::db {

// The variable that names the file which gets the name of every statement that is executed, one per
// line, once per process. Without it nothing is written.
inline constexpr char kExecutionLogVariable[] = "TIDEMARK_EXECUTED_STATEMENTS";

// Called by whatever hands a named statement to the database. `./dev test` compares the file with
// all .sql files: a statement that no test runs has never been seen to work. Thread-safe.
void NoteExecution(const char* statement_name);

}  // namespace tidemark::db

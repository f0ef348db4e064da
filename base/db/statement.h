// A named SQL statement, embedded from a .sql file at build (cmake/embed_sql.cmake).
#pragma once

namespace tidemark::db {

struct Statement {
  const char* name;  // goes to logs and metrics; parameters never do
  const char* text;
};

}  // namespace tidemark::db

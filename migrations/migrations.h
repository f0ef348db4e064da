// The migrations of this binary, embedded at build from the .sql files of this folder.
#pragma once

#include <span>

#include "base/db/migrator.h"

namespace tidemark::migrations {

// In order, versions 1, 2, 3 ...; initialized at compile time.
extern const std::span<const db::Migration> kAll;

// Of the database of keys, where a site keeps them in one (docs/adr/0015).
extern const std::span<const db::Migration> kKeyStore;

}  // namespace tidemark::migrations

// The migrations of this binary, embedded at build from the .sql files of this folder.
#pragma once

#include <span>

#include "base/db/migrator.h"

namespace tidemark::migrations {

// In order, versions 1, 2, 3 ...; initialized at compile time.
extern const std::span<const db::Migration> kAll;

}  // namespace tidemark::migrations

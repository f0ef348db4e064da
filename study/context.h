// What the core of study/ works with.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/db/pool.h"
#include "store/key_store.h"
#include "study/request_memory.h"

namespace tidemark::study {

inline constexpr absl::Duration kServiceTokenLife = absl::Hours(24 * 366);

// Everything outlives its users. `pool` connects as tm_app and has the statements of study/sql.h.
struct Context {
  db::Pool* pool = nullptr;
  store::KeyStore* keys = nullptr;
  const Clock* clock = nullptr;
  std::string audience;  // what devices sign for
  // How long the token of a program holds that is entered from now on; zero: until it is revoked.
  absl::Duration service_token_life = kServiceTokenLife;

  RequestMemory memory() const { return {pool, keys, clock}; }
};

}  // namespace tidemark::study

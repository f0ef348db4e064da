// What becomes of a chunk once it is known what the database has under its number.
#pragma once

#include <optional>
#include <string>

#include "ingest/chunk.h"

namespace tidemark::ingest {

// What is known of one number of one outbox.
struct NumberFacts {
  bool stored = false;
  bool quarantined = false;
  bool abandoned = false;
  // Its bytes were refused, and are nowhere. Unlike the others it may still be stored or set aside,
  // if its bytes come again under a consent that now covers them.
  bool refused = false;
  // The outbox is known as one of the sender: only then may a body that was set aside settle a
  // number, so that no device settles numbers of another.
  bool own_outbox = false;
  std::string stored_sha256{};  // of the stored chunk
  bool stored_beside = false;   // the number before or behind it is stored

  bool settled() const { return stored || quarantined || abandoned; }
};

enum class Fate {
  kStore,
  kDuplicate,        // the same bytes are stored
  kSetAside,         // into quarantine, if there is room
  kAlreadySetAside,  // the same bytes are in quarantine, or were
  kRefuse,           // must not be kept
};

struct Classified {
  Fate fate = Fate::kStore;
  v1::ReceiptReason reason = v1::RECEIPT_REASON_UNSPECIFIED;
  std::string detail{};         // for kSetAside
  bool settles_number = false;  // for kSetAside and kRefuse
};

// `before` is the reason with which the same bytes of the same device were set aside before.
Classified Classify(const Decision& decision, const NumberFacts& facts,
                    std::optional<v1::ReceiptReason> before);

}  // namespace tidemark::ingest

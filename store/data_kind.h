// What a stream tells of a person, from what it measures.
#pragma once

#include "tidemark/v1/authz.pb.h"
#include "tidemark/v1/stream.pb.h"

namespace tidemark::store {

// DATA_KIND_OTHER for a modality that has no kind of its own.
v1::DataKind DataKindOf(v1::Modality modality);

// Whether what is measured is judged by consent. Records are not: boot starts, clock pairs and
// probes are about a device's clock, and without them nothing can be placed in time.
inline bool NeedsConsent(v1::Modality modality) { return modality != v1::MODALITY_RECORDS; }

}  // namespace tidemark::store

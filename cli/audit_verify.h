// What `tidemark audit verify` finds in the evidence of a study.
//
// Computes every hash itself and believes nothing but the public keys, and, if there is one, an
// export that somebody kept.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/audit_chain.h"
#include "base/audit_roots.h"
#include "cli/server_keys.h"
#include "tidemark/v1/audit.pb.h"

namespace tidemark::cli {

// An export that was kept: whatever it holds must stand in the evidence as it was. So it shows what
// the evidence alone cannot: that the newest links were taken away with the newest roots over them.
class KeptExport {
 public:
  // The lines of `audit export`.
  //   INVALID_ARGUMENT  a line that is none of them
  static absl::StatusOr<KeptExport> Read(const std::string& path);

  // Every link and root of the evidence, in the order in which it is exported.
  void TakeLink(const v1::AuditLink& link);
  void TakeRoot(const v1::AuditRoot& root);
  // After all of them.
  void AddFaults(std::vector<std::string>& faults) const;

 private:
  struct Chain {
    std::vector<Sha256Digest> links;  // what tells link 1, 2, 3, ... from others
    size_t seen = 0;                  // of the evidence, as far as it is the same
    bool differs = false;
  };
  absl::Status AddLine(const std::string& line);

  std::map<std::string, Chain> chains_;
  std::vector<std::string> roots_;  // signatures, oldest first
  size_t roots_seen_ = 0;
  bool roots_differ_ = false;
};

class EvidenceCheck {
 public:
  // All outlive this; `kept` null for none.
  EvidenceCheck(const Uuid& study, const ingest::ReceiptKeys& keys, KeptExport* kept)
      : study_(study), keys_(keys), kept_(kept), roots_(study, chains_) {}

  // All links, then all roots. DATA_LOSS if a message is neither.
  absl::Status Add(const v1::ExportAuditResponse& message);
  // After all messages.
  std::vector<std::string> Faults(absl::Time now) const;

  uint64_t links() const { return chains_.links(); }
  size_t chains() const { return chains_.chains(); }
  int64_t roots() const { return roots_.roots(); }
  // "2026-03-01"; empty before there is one.
  std::string newest_root() const;

 private:
  void AddToClaims(const v1::AuditLink& link);
  void AddUnsigned(absl::Time now, std::vector<std::string>& faults) const;

  const Uuid study_;
  const ingest::ReceiptKeys& keys_;
  KeptExport* const kept_;
  AuditChainChecker chains_;
  AuditRootChecker roots_;
  int64_t first_day_ = std::numeric_limits<int64_t>::max();
  // Bodies that are gone, and erasures that the study's chain tells of: one without the other is
  // no erasure.
  std::set<std::string> gone_;
  std::set<std::string> erased_;
};

}  // namespace tidemark::cli

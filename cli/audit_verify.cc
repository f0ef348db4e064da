#include "cli/audit_verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/base64.h"
#include "base/rpc/audit_messages.h"
#include "base/status_macros.h"

namespace tidemark::cli {
namespace {

// A running server signs every study soon after each midnight.
constexpr absl::Duration kSigningMost = absl::Hours(1);

int64_t UtcDayOf(absl::Time time) { return absl::ToUnixSeconds(time) / 86'400; }

Sha256Digest MarkOfLink(std::string_view prev_hash, std::string_view body_hash) {
  Sha256Stream digest;
  digest.Update(prev_hash);
  digest.Update(body_hash);
  return digest.Finish();
}

// The bytes of a hexadecimal member; nothing if it is not there.
absl::StatusOr<std::string> HexMember(const nlohmann::json& line, const char* name) {
  const auto member = line.find(name);
  if (member == line.end() || !member->is_string()) {
    return absl::InvalidArgumentError(fmt::format("has no {}", name));
  }
  return HexDecode(member->get<std::string>());
}

}  // namespace

// Kept exports -----------------------------------------------------------------------------------

absl::Status KeptExport::AddLine(const std::string& line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return absl::InvalidArgumentError("is no line of an export");
  if (json.contains("signature")) {
    TM_ASSIGN_OR_RETURN(roots_.emplace_back(), HexMember(json, "signature"));
    return absl::OkStatus();
  }
  const auto subject = json.find("subject");
  const auto seq = json.find("seq");
  if (subject == json.end() || !subject->is_string() || seq == json.end() ||
      !seq->is_number_integer()) {
    return absl::InvalidArgumentError("is neither a link nor a root");
  }
  TM_ASSIGN_OR_RETURN(const std::string prev_hash, HexMember(json, "prev_hash"));
  TM_ASSIGN_OR_RETURN(const std::string body_hash, HexMember(json, "body_hash"));
  Chain& chain = chains_[subject->get<std::string>()];
  chain.links.push_back(MarkOfLink(prev_hash, body_hash));
  if (seq->get<uint64_t>() != chain.links.size()) {
    return absl::InvalidArgumentError("stands where another link should");
  }
  return absl::OkStatus();
}

absl::StatusOr<KeptExport> KeptExport::Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::InvalidArgumentError(fmt::format("{} cannot be read", path));
  KeptExport kept;
  size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (const absl::Status added = kept.AddLine(line); !added.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("{}:{}: {}", path, number, std::string(added.message())));
    }
  }
  if (file.bad()) return absl::InvalidArgumentError(fmt::format("{} cannot be read", path));
  return kept;
}

void KeptExport::TakeLink(const v1::AuditLink& link) {
  const auto found = chains_.find(link.subject());
  if (found == chains_.end()) return;
  Chain& chain = found->second;
  const auto at = static_cast<uint64_t>(link.seq()) - 1;
  if (chain.differs || at != chain.seen || at >= chain.links.size()) return;
  ++chain.seen;
  chain.differs = chain.links[at] != MarkOfLink(link.prev_hash(), link.body_hash());
}

void KeptExport::TakeRoot(const v1::AuditRoot& root) {
  if (roots_differ_ || roots_seen_ == roots_.size()) return;
  roots_differ_ = roots_[roots_seen_++] != root.signature();
}

void KeptExport::AddFaults(std::vector<std::string>& faults) const {
  for (const auto& [subject, chain] : chains_) {
    if (chain.differs) {
      faults.push_back(fmt::format("{}: link {} is not the one of the export that was kept",
                                   subject, chain.seen));
    } else if (chain.seen < chain.links.size()) {
      faults.push_back(fmt::format("{}: ends before link {}, which the export that was kept holds",
                                   subject, chain.seen + 1));
    }
  }
  if (roots_differ_) {
    faults.push_back(
        fmt::format("root {} is not the one of the export that was kept", roots_seen_));
  } else if (roots_seen_ < roots_.size()) {
    faults.push_back(fmt::format("{} of the {} roots of the export that was kept are missing",
                                 roots_.size() - roots_seen_, roots_.size()));
  }
}

// Evidence ---------------------------------------------------------------------------------------

void EvidenceCheck::AddToClaims(const v1::AuditLink& link) {
  if (link.erased()) {
    gone_.insert(link.subject());
    return;
  }
  if (link.subject() != study_.ToString()) return;
  const auto json = nlohmann::json::parse(link.body(), nullptr, false);
  if (!json.is_object() || json.value("action", "") != "erasure.participant") return;
  const auto details = json.find("details");
  if (details != json.end() && details->is_object()) {
    erased_.insert(details->value("participant", ""));
  }
}

absl::Status EvidenceCheck::Add(const v1::ExportAuditResponse& message) {
  for (const v1::AuditLink& link : message.links()) {
    TM_ASSIGN_OR_RETURN(const AuditChainLink chained, rpc::ChainLinkOf(study_, link));
    chains_.Add(chained);
    if (!link.erased()) chains_.CheckBody(chained, link.body());
    AddToClaims(link);
    first_day_ = std::min(first_day_, UtcDayOf(absl::FromUnixMicros(chained.recorded_at_us)));
    if (kept_ != nullptr) kept_->TakeLink(link);
  }
  for (const v1::AuditRoot& root : message.roots()) {
    TM_ASSIGN_OR_RETURN(const AuditRootContent content, rpc::RootContentOf(root));
    const auto key = keys_.find(root.key_id());
    roots_.Add(content, [&](std::string_view signed_bytes) {
      return key != keys_.end() && key->second.Verify(signed_bytes, root.signature());
    });
    if (kept_ != nullptr) kept_->TakeRoot(root);
  }
  return absl::OkStatus();
}

// A day in between may be missing, for a later root covers its links; without one of today, whoever
// removes the newest links can remove the roots over them as well.
void EvidenceCheck::AddUnsigned(absl::Time now, std::vector<std::string>& faults) const {
  const int64_t due = UtcDayOf(now - kSigningMost);
  if (first_day_ >= due || roots_.newest_day() >= due) return;
  faults.push_back(roots_.newest_day() < 0
                       ? "no day is signed"
                       : fmt::format("nothing is signed since {}: the server did not run, or "
                                     "signatures were removed",
                                     newest_root()));
}

std::vector<std::string> EvidenceCheck::Faults(absl::Time now) const {
  std::vector<std::string> faults = roots_.faults();
  faults.insert(faults.end(), chains_.faults().begin(), chains_.faults().end());
  for (const std::string& subject : gone_) {
    if (!erased_.contains(subject)) {
      faults.push_back(subject + ": bodies cannot be read, and no erasure was recorded");
    }
  }
  AddUnsigned(now, faults);
  if (kept_ != nullptr) kept_->AddFaults(faults);
  return faults;
}

std::string EvidenceCheck::newest_root() const {
  return roots_.newest_day() < 0 ? "" : FormatUtcDay(roots_.newest_day());
}

}  // namespace tidemark::cli

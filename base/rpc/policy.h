// Who may call what: read from the option (tidemark.v1.authz) of every method, never from code.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tidemark/v1/authz.pb.h"

namespace google::protobuf {
class DescriptorPool;
}

namespace tidemark::rpc {

// The policies of the services that a server serves. Immutable.
class PolicyTable {
 public:
  // `services` are full names ("tidemark.v1.StudyService") of services linked into the program.
  //   FAILED_PRECONDITION  a service is unknown, or methods have no policy or one that makes no
  //                        sense; all of them are named
  static absl::StatusOr<PolicyTable> Load(std::span<const std::string> services);
  static absl::StatusOr<PolicyTable> Load(std::span<const std::string> services,
                                          const google::protobuf::DescriptorPool& pool);

  // Null for a method that is not in the table.
  const v1::Authz* Find(std::string_view method) const;

  // By full name of the method, "/tidemark.v1.StudyService/CreateStudy".
  const std::map<std::string, v1::Authz, std::less<>>& methods() const { return methods_; }

  // The table as Markdown: docs/access.md.
  std::string ToMarkdown() const;

 private:
  std::map<std::string, v1::Authz, std::less<>> methods_;
};

// What a server asks before it starts: OK when Load() would be.
absl::Status CheckEveryMethodHasPolicy(std::span<const std::string> services);

}  // namespace tidemark::rpc

// The real `tidemark` against a real server, verb by verb, in the order in which a study uses them.
// A verb that is neither run here nor named in kElsewhere fails the test.
#include <fmt/format.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/endian.h"
#include "ingest/client/identity.h"
#include "ingest/client/outbox.h"
#include "tests/cli/cli_runner.h"
#include "tests/server/server_fixture.h"

namespace tidemark::cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// What has a test of its own, which one, and why not here.
const std::map<std::string, std::string> kElsewhere = {
    {"demo", "./dev demo: needs a durable server"},
    {"simulate", "tests/cli/simulate: needs a durable server"},
    {"key rotate", "tests of the operator's commands"},
    {"admin restored", "tests of the operator's commands"},
};

std::string Binary() {
  const char* folder = std::getenv("TIDEMARK_BINARY_DIR");
  return (folder != nullptr ? std::string(folder) : TIDEMARK_BINARY_DIR) + "/bin/tidemark";
}

// One second of sound at 8 Hz.
std::string SmallWav() {
  std::string body = "WAVEfmt ";
  AppendLe(body, uint32_t{16});
  AppendLe(body, uint16_t{1});
  AppendLe(body, uint16_t{1});
  AppendLe(body, uint32_t{8});
  AppendLe(body, uint32_t{16});
  AppendLe(body, uint16_t{2});
  AppendLe(body, uint16_t{16});
  body += "data";
  AppendLe(body, uint32_t{16});
  for (int16_t value = 0; value < 8; ++value) AppendLe(body, value);
  std::string file = "RIFF";
  AppendLe(file, static_cast<uint32_t>(body.size()));
  return file + body;
}

class CliJourney : public server::ServerFixture {
 protected:
  void SetUp() override {
    ServerFixture::SetUp();
    std::filesystem::create_directories(folder_.File("w"));
    cli_ = std::make_unique<CliRunner>(Binary(), server_->port(), folder_.File("w"));
    Write("operator", operator_token_ + "\n");
  }

  void Write(const std::string& name, const std::string& content) {
    const std::filesystem::path path = std::filesystem::path(folder_.File("w")) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
  }
  std::string ReadBack(const std::string& name) {
    std::ifstream file(std::filesystem::path(folder_.File("w")) / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // The stdout of a command that has to end with `exit_code`.
  std::string Run(const std::string& args, int exit_code = 0) {
    const CliResult result = cli_->Run(args);
    EXPECT_EQ(result.exit_code, exit_code) << args << "\n" << result.out << result.err;
    if (exit_code != 0) {
      EXPECT_THAT(result.err, HasSubstr("tidemark: ")) << args;
    }
    return result.out;
  }
  std::string As(const std::string& who, const std::string& args, int exit_code = 0) {
    return Run(args + " --token-file " + who, exit_code);
  }
  // The one document that --json prints.
  json JsonOf(const std::string& text, const std::string& args) {
    json parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
    EXPECT_FALSE(parsed.is_discarded()) << args << "\n" << text;
    return parsed;
  }
  json JsonAs(const std::string& who, const std::string& args, int exit_code = 0) {
    return JsonOf(As(who, args + " --json", exit_code), args);
  }
  json Json(const std::string& args, int exit_code = 0) {
    return JsonOf(Run(args + " --json", exit_code), args);
  }

  // The chapters of the journey.
  void SetUpStudy();
  void GiveRoles();
  void EnterParticipants();
  void EnrolDevices();
  void Import();
  void Upload();
  void Read();
  void Quarantine();
  void Receipts();
  void Audit();
  void End();
  void ReadHelp();
  void Misuse();

  // A device of a participant of the study "trial", enrolled in a folder of its name.
  void EnrolDevice(const std::string& participant, const std::string& device);
  void AppendBadChunk(const std::string& device_folder);

  std::unique_ptr<CliRunner> cli_;
};

void CliJourney::SetUpStudy() {
  As("operator", "study create trial");
  As("operator", "study create trial", 5);
  EXPECT_EQ(JsonAs("operator", "study list")["studies"][0]["name"], "trial");
  EXPECT_THAT(As("operator", "study list"), HasSubstr("trial"));
  const json made = JsonAs("operator", "manager create --study trial --name Ada --token-out ada");
  const std::string manager = made["principal_id"];
  EXPECT_THAT(ReadBack("ada"), Not(IsEmpty()));
  // Sound is read by those only whose role names it.
  JsonAs("operator", "role set " + manager +
                         " --study trial --role manager --data "
                         "motion,physiology,device,audio,video,location,other");
  As("ada", "study create another", 4);

  EXPECT_EQ(JsonAs("ada", "study plan show --study trial")["participants"], 0);
  Write("plan.json", R"({"participants": 40, "days": 14, "time_zone": "Europe/Berlin",
    "streams": [{"device_name": "band", "stream_name": "acc", "hours_a_day": 12}]})");
  As("ada", "study plan set --study trial --file plan.json");
  const json plan = JsonAs("ada",
                           "study plan set --study trial --days 21 --worn-hours 10 "
                           "--contact-after-days 2 --contact-rules 'By phone.'");
  EXPECT_EQ(plan["participants"], 40) << "what is not named stays";
  EXPECT_EQ(plan["days"], 21);
  EXPECT_EQ(JsonAs("ada", "study plan show --study trial"), plan);
  EXPECT_THAT(As("ada", "study plan show --study trial"), HasSubstr("band/acc"));
  EXPECT_THAT(cli_->Run("study plan set --study trial --time-zone Nowhere/At --token-file ada").err,
              HasSubstr("plan.time_zone"));
  As("ada", "study plan set --study trial --stream acc=12", 2);
  Write("bad.json", R"({"day": 3})");
  As("ada", "study plan set --study trial --file bad.json", 2);
  As("ada", "study plan set --study trial --file none.json", 3);
}

void CliJourney::GiveRoles() {
  const json staff = JsonAs("ada", "staff create --study trial --role auditor --name Otto");
  const std::string otto = staff["principal_id"];
  const json code = JsonAs("ada", "staff code " + otto + " --study trial");
  Run("staff sign-in " + std::string(code["sign_in_code"]) + " --token-out otto");
  Run("staff sign-in " + std::string(code["sign_in_code"]) + " --token-out again", 2);
  As("otto", "token renew --token-out otto");
  EXPECT_THAT(As("ada", "role list --study trial"), HasSubstr("auditor"));
  JsonAs("ada", "role list --study trial");
  JsonAs("ada", "role set " + otto + " --study trial --role labeler --data motion");
  As("ada", "role remove " + otto + " --study trial --role labeler");

  As("ada", "token create laptop --days 7 --token-out laptop");
  std::string public_id;
  const json tokens = JsonAs("laptop", "token list");
  for (const json& token : tokens["tokens"]) {
    if (token["label"] == "laptop") public_id = token["public_id"];
  }
  As("ada", "token revoke " + public_id);
  As("ada", "service create --study trial --role trainer --name robot --token-out robot");
  std::string robot;
  const json roles = JsonAs("ada", "role list --study trial");
  for (const json& principal : roles["principals"]) {
    if (principal["display_name"] == "robot") robot = principal["principal_id"];
  }
  As("operator", "staff revoke " + robot);
}

void CliJourney::EnterParticipants() {
  JsonAs("ada",
         "participant create --study trial p1 --document v1 --consent-from 2000-01-01T00:00:00Z "
         "--consent motion,physiology,device,audio,other");
  As("ada", "participant create --study trial p1", 5);
  As("ada", "participant create --study trial p9 --consent motion", 2);
  As("ada", "participant create --study trial p2");
  Write("roster.csv", "code,consent,document\np3,motion;device,v1\np4,motion,v1\n");
  EXPECT_EQ(JsonAs("ada", "participant roster import roster.csv --study trial")["created"], 2);
  Write("bad.csv", "code,shoe_size\np5,42\n");
  As("ada", "participant roster import bad.csv --study trial", 2);
  EXPECT_EQ(JsonAs("ada", "participant list --study trial")["participants"].size(), 4u);
  As("ada",
     "participant consent trial/p2 grant --document v1 --from 2000-01-01T00:00:00Z --data "
     "motion,physiology,device,audio,other");
  EXPECT_EQ(JsonAs("ada", "participant show trial/p1")["participant"]["code"], "p1");
  EXPECT_THAT(As("ada", "participant roster codes --study trial --device band"), HasSubstr("p3"));
  As("ada", "participant roster codes --study trial --device phone --svg codes.svg");
  EXPECT_THAT(ReadBack("codes.svg"), HasSubstr("<svg"));
  As("ada", "participant show trial/p9", 3);
  As("ada", "participant complete trial/p3");
  As("ada", "participant withdraw trial/p4 --reason moved");
}

void CliJourney::EnrolDevice(const std::string& participant, const std::string& device) {
  const json made =
      JsonAs("ada", fmt::format("device create --participant trial/{} {}", participant, device));
  Run(fmt::format("device enrol --folder {} --code {}", device,
                  std::string(made["enrolment_code"]["code"])));
}

void CliJourney::EnrolDevices() {
  EnrolDevice("p1", "csv-band");
  EnrolDevice("p1", "e4");
  EnrolDevice("p2", "mic");
  EnrolDevice("p2", "watch");
  JsonAs("ada", "device code --participant trial/p3 band");
  Run("device enrol --folder late --code wrong-code", 2);
  EXPECT_EQ(JsonAs("ada", "device list --participant trial/p1")["devices"].size(), 4u)
      << "two by the roster";
  Run("device rotate-key --folder csv-band");
  As("ada", "device revoke --participant trial/p3 band");
  As("ada", "device revoke --participant trial/p3 nothing", 3);
}

void CliJourney::Import() {
  Write("walk.csv", "t,ax,ay,az\n0,1,2,3\n20,1.5,2.5,3.5\n40,,5,6\n");
  Write("walk.json", R"({"participant": "p1", "device": "csv-band",
    "time": {"column": "t", "unit": "ms", "origin": "2026-01-31T09:00:00Z"},
    "streams": [{"name": "acc", "modality": "acceleration", "rate": "50", "channels": [
      {"column": "ax", "unit": "m/s2", "type": "float32"},
      {"column": "ay", "unit": "m/s2", "type": "float32"},
      {"column": "az", "unit": "m/s2", "type": "float32"}]}]})");
  const std::string csv = "import csv walk.csv --mapping walk.json --folder csv-band";
  const json first = Json(csv);
  EXPECT_EQ(first[0]["chunks_new"], 2) << "the boot and the samples";
  EXPECT_EQ(first[0]["streams"][0]["samples"], 3);
  const json again = Json(csv);
  EXPECT_EQ(again[0]["chunks_new"], 0);
  EXPECT_EQ(again[0]["chunks_before"], 2);
  EXPECT_THAT(cli_->Run(csv).err, HasSubstr("already imported"));
  Write("ragged.csv", "t,ax,ay,az\n0,1,2\n");
  Run("import csv ragged.csv --mapping walk.json --folder csv-band", 2);

  Write("clip.wav", SmallWav());
  Json("import wav clip.wav --folder mic");
  Run("import wav clip.wav --folder mic --start-ns 9223372036854775807", 2);
  Write("s01/s01_01_sw.csv",
        "x_acc,y_acc,z_acc,x_gyro,y_gyro,z_gyro,timestamp,label\n1,2,3,4,5,6,1000,SEATED\n");
  Json("import watch-phone s01 --folder watch=watch");
  Write("S01/HR.csv", "1577836800.000000\n1.000000\n60.00\n61.00\n");
  Json("import e4 S01 --folder e4");
  // The server of a test says UNSAFE: without leave, the device keeps what it sent.
  Run("import e4 S01 --folder e4 --upload", 6);
}

void CliJourney::Upload() {
  const std::string unsafe = " --accept-unsafe-durability";
  const json report = Json("upload csv-band" + unsafe);
  EXPECT_EQ(report["receipts"]["OUTCOME_STORED"], 2);
  EXPECT_EQ(report["chunks_left"], 0);
  EXPECT_THAT(Run("upload mic --bundle --no-compression" + unsafe), HasSubstr("stored"));
  Run("upload watch" + unsafe);
  Run("upload e4" + unsafe);
  // Imported again after everything went: nothing is left to do.
  EXPECT_EQ(Json("import csv walk.csv --mapping walk.json --folder csv-band")[0]["chunks_new"], 0);
  EXPECT_THAT(Run("upload csv-band" + unsafe), HasSubstr("nothing to send"));
  Run("upload nowhere" + unsafe, 3);
}

void CliJourney::Read() {
  const json streams = JsonAs("ada", "stream list --participant trial/p1");
  EXPECT_THAT(As("ada", "stream list --participant trial/p1"), HasSubstr("acc"));
  EXPECT_GE(streams["streams"].size(), 4u);
  const json acc = JsonAs("ada", "stream show --participant trial/p1 csv-band/acc");
  EXPECT_EQ(acc["upload"][0]["stored_chunks"], 1);
  EXPECT_EQ(acc["upload"][0]["duplicate_ratio"], 0.0);
  EXPECT_GT(acc["upload"][0]["behind_s"], 0.0);
  EXPECT_EQ(JsonAs("ada", "stream verify --participant trial/p1")["damaged_chunks"], 0);

  const std::string samples = "samples --participant trial/p1 --stream csv-band/acc";
  EXPECT_THAT(As("ada", samples), HasSubstr("1.5"));
  EXPECT_THAT(As("ada", samples + " --format csv"), AllOf(HasSubstr(",1,2,3"), HasSubstr("nan")));
  const std::string lines = As("ada", samples + " --format jsonl");
  JsonOf(lines.substr(0, lines.find('\n')), samples);
  As("ada", samples + " --plot acc.svg");
  EXPECT_THAT(ReadBack("acc.svg"), HasSubstr("<svg"));
  As("ada", samples + " --plot no/such/folder/acc.svg", 3);
  const std::string range = " --from 2026-01-31T09:00:00Z --to 2026-01-31T09:00:01Z";
  JsonAs("ada", "coverage --participant trial/p1" + range);
  As("ada", "coverage --participant trial/p1");
  JsonAs("ada", "overview --participant trial/p1 --stream csv-band/acc --width 4" + range);
  As("ada", "samples --participant trial/p1 --stream none", 3);
  As("otto", samples, 4);
}

// A chunk that admission sets aside: its clock has no such number.
void CliJourney::AppendBadChunk(const std::string& device_folder) {
  TM_ASSERT_OK_AND_ASSIGN(
      const auto outbox,
      ingest::Outbox::Open(std::filesystem::path(folder_.File("w")) / device_folder / "outbox"));
  v1::StreamDeclaration declaration;
  declaration.set_modality(v1::MODALITY_RECORDS);
  TM_ASSERT_OK_AND_ASSIGN(const auto stream, outbox->DeclareStream("device", declaration));
  const auto make_body = [&](const WriterId& writer, uint64_t number) {
    v1::ChunkBody body;
    body.set_version(1);
    body.set_stream_id(std::string(stream.stream_id.AsBytes()));
    body.set_stream_version(stream.version);
    body.set_writer_id(std::string(writer.AsBytes()));
    body.set_number(number);
    body.set_boot_id(std::string(16, 'b'));
    body.set_clock_id(70'000);
    body.mutable_records()->add_records()->mutable_boot_start();
    return body.SerializeAsString();
  };
  ASSERT_THAT(outbox->Append(stream.stream_id, make_body), support::IsOk());
}

void CliJourney::Quarantine() {
  for (int i = 0; i < 2; ++i) AppendBadChunk("csv-band");
  const CliResult upload = cli_->Run("upload csv-band --accept-unsafe-durability");
  EXPECT_EQ(upload.exit_code, 9) << upload.err;
  EXPECT_THAT(upload.err, HasSubstr("2 of 2 chunks were set aside"));
  const std::string of_p1 = " --participant trial/p1 ";
  const json list = JsonAs("ada", "quarantine list" + of_p1);
  ASSERT_EQ(list["chunks"].size(), 2u);
  const std::string id = list["chunks"][0]["quarantine_id"];
  const std::string other = list["chunks"][1]["quarantine_id"];
  EXPECT_EQ(JsonAs("ada", "quarantine show" + of_p1 + id)["reason"], "RECEIPT_REASON_FIELD_RANGE");
  As("ada", "quarantine download" + of_p1 + id + " --out body");
  EXPECT_EQ(std::to_string(ReadBack("body").size()),
            JsonAs("ada", "quarantine show" + of_p1 + id)["body_bytes"].dump());
  EXPECT_EQ(JsonAs("ada", "quarantine redrive" + of_p1 + id)["outcome"], "OUTCOME_QUARANTINED");
  JsonAs("ada", "quarantine discard" + of_p1 + other + " --reason broken");
  As("ada", "quarantine redrive" + of_p1 + other, 5);
  EXPECT_EQ(JsonAs("ada", "quarantine list --all" + of_p1)["chunks"].size(), 2u);
}

void CliJourney::Receipts() {
  EXPECT_EQ(Json("receipt list csv-band").size(), 4u);
  EXPECT_EQ(Json("receipt verify csv-band")["proven"], 4);
  Write("keys.json", Run("doctor --json"));
  EXPECT_THAT(Run("receipt verify csv-band --keys keys.json"), HasSubstr("4 receipts proven"));
  // One byte of the second receipt: the others are read, and the place is named.
  std::string ledger = ReadBack("csv-band/receipts.ledger");
  const size_t second = 4 + 8 + LoadLe<uint32_t>(ledger.data() + 4);
  ledger[second + 20] = static_cast<char>(ledger[second + 20] ^ 1);
  Write("damaged/receipts.ledger", ledger);
  const CliResult list = cli_->Run("receipt list damaged --json");
  EXPECT_EQ(list.exit_code, 8);
  EXPECT_EQ(JsonOf(list.out, "receipt list").size(), 3u);
  EXPECT_THAT(list.err, HasSubstr(fmt::format("bytes {} to ", second)));
  EXPECT_EQ(Json("receipt verify damaged", 8)["damaged_places"], 1);
}

void CliJourney::Audit() {
  EXPECT_GT(JsonAs("otto", "audit list --study trial")["links"].size(), 3u);
  EXPECT_EQ(JsonAs("otto", "audit verify --study trial")["faults"].size(), 0u);
  Write("kept.json", JsonAs("otto", "doctor").dump());
  EXPECT_EQ(JsonAs("otto", "audit verify --study trial --keys kept.json")["faults"].size(), 0u);
  As("otto", "audit export --study trial --out evidence.jsonl");
  std::ifstream lines(folder_.File("w") + "/evidence.jsonl");
  for (std::string line; std::getline(lines, line);) JsonOf(line, "audit export");
  // What was kept still stands; what was never there does not.
  const json held = JsonAs("otto", "audit verify --study trial --export evidence.jsonl");
  EXPECT_EQ(held["faults"].size(), 0u);
  EXPECT_TRUE(held["roots"].is_number());
  EXPECT_TRUE(held["newest_root"].is_string());
  Write("more.jsonl", ReadBack("evidence.jsonl") +
                          R"({"subject":"00000000-0000-7000-8000-00000000000f","seq":1,)"
                          R"("prev_hash":"00","body_hash":"00"})"
                          "\n");
  EXPECT_THAT(As("otto", "audit verify --study trial --export more.jsonl", 8), HasSubstr("faults"));
  Write("none.jsonl", "{}\n");
  As("otto", "audit verify --study trial --export none.jsonl", 2);
  As("ada", "audit verify --study nothing", 3);
}

void CliJourney::End() {
  As("ada", "participant erase trial/p2 --reason asked --confirm p3", 5);
  EXPECT_EQ(JsonAs("ada", "participant erase trial/p2 --reason asked --confirm p2")["state"],
            "ERASURE_STATE_DONE");
  const json erasures = JsonAs("ada", "participant erasures --study trial")["erasures"];
  ASSERT_EQ(erasures.size(), 1u);
  const json one = JsonAs("ada", fmt::format("participant erasure {} --study trial",
                                             std::string(erasures[0]["erasure_id"])));
  EXPECT_EQ(one["state"], "ERASURE_STATE_DONE");
  const std::string range = " --from 2026-01-31T09:00:00Z --to 2026-01-31T10:00:00Z";
  // Hidden at once; the keys go when the day of arrival is over.
  As("ada", "participant erase trial/p1 --reason asked --confirm p1 --stream csv-band/acc" + range,
     6);
  EXPECT_THAT(As("ada", "samples --participant trial/p1 --stream csv-band/acc --format csv"),
              Not(HasSubstr(",1,2,3")));
  As("ada", "participant show trial/p2", 3);
  EXPECT_EQ(JsonAs("otto", "audit verify --study trial")["faults"].size(), 0u);
}

void CliJourney::ReadHelp() {
  EXPECT_THAT(Run("doctor --folder ."), HasSubstr("server"));
  Run("doctor --folder no/such/folder", 1);
  EXPECT_THAT(Run("help names"), HasSubstr("PARTICIPANT"));
  Run("completion fish");
}

void CliJourney::Misuse() {
  Run("study list", 4);
  Run("study list --token-file none", 2);
  As("ada", "study list --server 127.0.0.1:1", 7);
  for (const std::string& leaf : cli_->Leaves()) {
    const CliResult help = cli_->Run(leaf + " --help");
    EXPECT_EQ(help.exit_code, 0) << leaf;
    EXPECT_EQ(cli_->Run(leaf + " --no-such-option").exit_code, 2) << leaf;
  }
}

TEST_F(CliJourney, EveryVerbDoesWhatItSays) {
  SetUpStudy();
  GiveRoles();
  EnterParticipants();
  EnrolDevices();
  Import();
  Upload();
  Read();
  Quarantine();
  Receipts();
  Audit();
  End();
  ReadHelp();
  for (const std::string& leaf : cli_->Leaves()) {
    EXPECT_TRUE(cli_->WasRun(leaf) || kElsewhere.contains(leaf)) << "no test runs " << leaf;
  }
  Misuse();
  // 130 takes a person.
  EXPECT_THAT(cli_->exit_codes(), ::testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

}  // namespace
}  // namespace tidemark::cli

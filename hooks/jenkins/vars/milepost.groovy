// Report what the block does as one build, and how it ended, whatever happens in it:
//
//     milepost(project: 'core', osVersion: 'rhel-9', imageType: 'base') {
//         milepost.stage 'Base configuration'
//         sh 'packer build golden.pkr.hcl'
//     }
//
// For declarative and scripted pipelines; docs/jenkins.md says where this file goes.

import groovy.transform.Field

// Heartbeats until the block ends, so that a lost agent shows as stalled. Jenkins ends the process
// with the node block, if nothing else does.
@Field final String HEARTBEAT = '''
if mkdir -p "$MILEPOST_BIN" && : >"$MILEPOST_HEARTBEAT"; then
  milepost-hook heartbeat "$MILEPOST_HEARTBEAT" </dev/null >/dev/null 2>&1 &
fi
'''

def call(Map given = [:], Closure body) {
    withCredentials([string(credentialsId: given.credentialsId ?: 'milepost', variable: 'MILEPOST_SECRET')]) {
        withEnv(settings(given)) {
            sh label: 'Fetch milepost-hook', script: libraryResource('milepost/install.sh') + HEARTBEAT
            report(body)
        }
    }
}

// A stage begins; `state` is 0 to 100, where no map knows the name.
def stage(String name, Integer state = null) {
    withEnv(["STAGE_TO_REPORT=${name}", "STATE_TO_REPORT=${state == null ? '' : state}"]) {
        sh label: 'Report a stage', script: 'milepost-hook stage "$STAGE_TO_REPORT" ${STATE_TO_REPORT:+--state "$STATE_TO_REPORT"}'
    }
}

// An exception says how this block ended: the build's own result is set later, and in a matrix by others.
private void report(Closure body) {
    String status = 'FAILURE'
    try {
        body()
        status = currentBuild.currentResult == 'UNSTABLE' ? 'UNSTABLE' : 'SUCCESS'
    } catch (InterruptedException aborted) { // FlowInterruptedException is one
        status = 'ABORTED'
        throw aborted
    } finally {
        done(status)
    }
}

private void done(String status) {
    try {
        String end = "rm -f \"\$MILEPOST_HEARTBEAT\"\nmilepost-hook done --status ${status}\n"
        sh label: 'Report the end', script: libraryResource('milepost/install.sh') + end
        describe()
    } catch (Exception lost) { // such as an agent that is gone; the build's own error matters
        echo "milepost: not reporting: ${lost.message}"
    }
}

// What came of the block, on the page of Jenkins's build.
private void describe() {
    String read = 'cat "$MILEPOST_SUMMARY" 2>/dev/null || true\nrm -f "$MILEPOST_SUMMARY"'
    String said = sh(label: 'Read the summary', returnStdout: true, script: read).trim()
    if (said) {
        currentBuild.description = [currentBuild.description, said].findAll().join('\n')
    }
}

private List settings(Map given) {
    String bin = "${env.WORKSPACE_TMP ?: env.WORKSPACE + '@tmp'}/milepost"
    String heartbeat = "${bin}/heartbeat-${UUID.randomUUID()}" // several blocks may share the folder
    List known = ["MILEPOST_BIN=${bin}", "PATH+MILEPOST=${bin}", "MILEPOST_HEARTBEAT=${heartbeat}",
                  "MILEPOST_SUMMARY=${heartbeat}.summary"]
    Map names = [url: 'URL', project: 'PROJECT', platform: 'PLATFORM', osVersion: 'OS_VERSION',
                 imageType: 'IMAGE_TYPE', buildNumber: 'BUILD_NUMBER', hookSha256: 'HOOK_SHA256']
    for (String name in names.keySet()) {
        if (given[name]) {
            known.add("MILEPOST_${names[name]}=${given[name]}")
        }
    }
    return known
}

// Report what the block does as one build, and how it ended, whatever happens in it:
//
//     milepost(project: 'core', osVersion: 'rhel-9', imageType: 'base') {
//         milepost.stage 'Base configuration'
//         sh 'packer build golden.pkr.hcl'
//     }
//
// For declarative and scripted pipelines; docs/jenkins.md says where this file goes.

def call(Map given = [:], Closure body) {
    withCredentials([string(credentialsId: given.credentialsId ?: 'milepost', variable: 'MILEPOST_SECRET')]) {
        withEnv(settings(given)) {
            sh label: 'Fetch milepost-hook', script: libraryResource('milepost/install.sh')
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
        sh label: 'Report the end', script: "milepost-hook done --status ${status}"
    } catch (Exception lost) { // such as an agent that is gone; the build's own error matters
        echo "milepost: not reporting: ${lost.message}"
    }
}

private List settings(Map given) {
    String bin = "${env.WORKSPACE_TMP ?: env.WORKSPACE + '@tmp'}/milepost"
    List known = ["MILEPOST_BIN=${bin}", "PATH+MILEPOST=${bin}"]
    Map names = [url: 'URL', project: 'PROJECT', platform: 'PLATFORM', osVersion: 'OS_VERSION',
                 imageType: 'IMAGE_TYPE', buildNumber: 'BUILD_NUMBER', hookSha256: 'HOOK_SHA256']
    for (String name in names.keySet()) {
        if (given[name]) {
            known.add("MILEPOST_${names[name]}=${given[name]}")
        }
    }
    return known
}

// Jenkins's pipeline steps, as far as the library uses them: `sh` is real, results are lines.
// Arguments: the library's folder, the cases; one that ends with .groovy is a file with a pipeline.
class Jenkins {
    Map<String, String> env = new HashMap(System.getenv())
    Map currentBuild = [currentResult: 'SUCCESS']
    String library

    def withEnv(List pairs, Closure body) {
        def before = new HashMap(env)
        for (pair in pairs) {
            def (name, value) = pair.split('=', 2).toList()
            if (name.startsWith('PATH+')) { env.PATH = "${value}:${env.PATH}".toString() } else { env[name] = value }
        }
        try { body() } finally { env.clear(); env.putAll(before) }
    }

    def string(Map given) { [(given.variable): System.getenv("CREDENTIAL_${given.credentialsId}") ?: ''] }

    def withCredentials(List found, Closure body) { withEnv(found[0].collect { "${it.key}=${it.value}".toString() }, body) }

    String libraryResource(String path) { new File("$library/resources/$path").text }

    def echo(String text) { println text }

    def aws(Map given) { [:] } // what a binding of credentials sets

    def checkout(Object given) {}

    def agent(Object given) {}

    // Blocks of declarative and scripted pipelines.
    def pipeline(Closure body) { body() }

    def stages(Closure body) { body() }

    def stage(String name, Closure body) { body() }

    def steps(Closure body) { body() }

    def node(Closure body) { body() }

    def sh(String script) { sh([script: script]) }

    def sh(Map given) {
        def builder = new ProcessBuilder('sh', '-e', '-c', given.script).redirectErrorStream(true)
        new File(env.WORKSPACE).mkdirs()
        builder.directory(new File(env.WORKSPACE))
        builder.environment().clear()
        builder.environment().putAll(env)
        def process = builder.start()
        def said = process.inputStream.text
        if (!given.returnStdout) { print said }
        def code = process.waitFor()
        if (code != 0) { throw new IOException("script returned exit code $code") }
        given.returnStdout ? said : null
    }
}

class FlowInterrupted extends InterruptedException {}

def jenkins = new Jenkins(library: args[0])
def milepost = new GroovyShell(this.class.classLoader).parse(new File("${args[0]}/vars/milepost.groovy"))
milepost.metaClass.propertyMissing = { String name -> jenkins."$name" }
milepost.metaClass.methodMissing = { String name, given -> jenkins.invokeMethod(name, given) }
def run = { String file ->
    def binding = new Binding(milepost: milepost, any: null, scm: null, env: jenkins.env, _: null)
    def script = new GroovyShell(this.class.classLoader, binding).parse(new File(file))
    script.metaClass.methodMissing = { String name, given -> jenkins.invokeMethod(name, given) }
    script.run()
    println "ended $file"
}
for (name in args[1].split(',')) {
    if (name.endsWith('.groovy')) { run(name); continue }
    jenkins.currentBuild.currentResult = 'SUCCESS'
    try {
        milepost.call(project: 'core; exit 9', osVersion: 'rhel-9', buildNumber: "jenkins-$name") {
            milepost.stage "It's \"Base\" \$(configuration)", 15
            switch (name) {
                case 'failing': jenkins.sh('exit 3'); break
                case 'aborted': throw new FlowInterrupted()
                case 'unstable': jenkins.currentBuild.currentResult = 'UNSTABLE'; break
            }
        }
        println "ended $name"
    } catch (Exception error) {
        println "ended $name with ${error.class.simpleName}"
    }
}
if (jenkins.currentBuild.description) { println "description ${jenkins.currentBuild.description.readLines()[0]}" }

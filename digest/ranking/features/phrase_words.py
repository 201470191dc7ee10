"""Words that noun phrases are told by: see `phrases`.

Collected from the frequent words of English abstracts: a verb is what often follows "to", "we" or
"can", or in "-ing" is often followed by an article.
"""

from __future__ import annotations

import re

_VERBS = """
    abandon ablating absorb accelerate accepting accessing accommodate accompany accomplish
    achieve achieved achieves achieving acquire activate adapt adapting adding address addresses
    addressing admitting adopt adopting advance advances advancing advocate afford aim aims
    align aligning alleviate alleviating allocate allow allowing allows altering amplify
    amplifying analyse analysing analyze analyzing animate annotate anticipate anticipating
    applied applies apply applying approaching approximating argue arguing articulate asking
    assemble assess assessing assign assigning assist associate assuming attain attaining
    attract attributing augmenting automate automating avoid avoiding balance balancing becoming
    believe belong breaking bridge bridging build building builds built bypass bypassing
    calculate calculating calibrate calibrating capture captures capturing carries carry
    catalyze categorize categorizing certify challenge challenges changing characterise
    characterize characterizing checking choose choosing circumvent clarifying classify
    collapsing collect combine combines combining compare compared compares comparing compensate
    compile complementing completing compose comprehend compress compressing concatenating
    conceal conceptualize conduct conducting confirming conflating connect connecting consider
    considering consists consolidate constrain constraining construct constructing contain
    contains contextualize controlling convert converting convey corrupting creating cultivate
    curate customize decide deciding decipher decode decompose decomposing decouple deepen
    deferring define defining deforming delegate delineate deliver delivers delve democratize
    demonstrate demonstrates demonstrating denoise densify depend depends depict depicting
    deploy derive derives deriving describe describing design designed designing detect
    detecting detects determine determining develop developing develops devise diagnose
    differentiate differentiating diminish directing directly disappear discarding discern
    disclose discourage discover discovering discriminate discuss discussing disentangle
    disrupting distill distilling distinguish distribute diversify dividing dominating elevating
    elicit eliminate eliminating elucidate emphasizing employ employing employs empower
    empowering emulate emulating enable enables enabling encompass encompassing encourage
    encouraging endow enforce enforcing engage enhance enhances enhancing enlarging enrich
    enriching ensure ensures ensuring enumerate envision equip equipping establish establishes
    establishing estimating evade evaluate evaluated evaluates evaluating evoke exacerbate
    examine examining exceeding execute executing exhibit exhibiting exhibits expand expanding
    explain explaining exploit exploiting exploits explore explores exploring exposing
    expressing extend extending extends externalize fabricate facilitate facilitates
    facilitating fail fails falsifying featuring fetch find finetune fixing flatten flattening
    focus focuses focusing follow follows forcing formalise formalize formalizing forming
    formulate formulating foster fostering freezing fulfill gather generalise generalize
    generate generates generating getting given guarantee guaranteeing guide guiding handle
    happen harmonize harnessing help helps highlight highlighting highlights hindering hoping
    hypothesize hypothesizing identifies identify identifying ignoring illustrate illustrating
    imagine imitate implement implementing implying imposing improve improves improving
    incentivize include includes including incorporate incorporates incorporating increase
    increases increasing indicate indicates indicating induce inducing infer inflating
    influencing informing inheriting initialize initializing inject injecting insert inserting
    inspect inspecting inspire inspired instantiate instantiating integrate integrates
    integrating intercept interfere internalize interpret interpreting introduce introduces
    introducing invalidate invert investigate investigates investigating invoke involve involves
    isolating justify keep keeping know lack lacking lead leads learn learns leaving leverage
    leverages leveraging limit limiting limits listen localize locate locating lowering maintain
    maintaining maintains make makes making managing match maximize maximizing measure measures
    measuring mimic mimicking minimize minimizing mirroring misinterpret mislead mitigate
    mitigates mitigating modify modifying modulating motivating narrowing navigate necessitating
    need needs neglecting neutralize normalize notice obscure obscuring observe observing obtain
    obtaining offer offering offers omitting operationalize operationalizing opposing optimise
    optimize optimizes optimizing orchestrate organize organizing outperform outperforming
    outperforms overcome overcoming overestimate overfit overlooking overwhelm overwriting
    pairing parameterize parameterizing participate paving penalize perceive perceiving perform
    performs perpetuate personalize perturbing placing posing posit possessing precluding
    predict predicting prefer prepare prescribing present presenting presents preserve preserves
    preserving pretrain prevent preventing prioritise prioritize produce produces producing
    promote propagate propose proposed proposes proposing protect prove proves provide provides
    providing proving publish pursue pushing quantify quantifying quantize quantizing raising
    reach reaches realize realizing rebuild recalibrate recast recognize recognizing recommend
    reconcile reconstruct reconstructing recover rectify recycling reduce reduces reducing refer
    refining reflecting reformulate reformulating reframe reframing refuse regenerate
    regenerating registering regressing regularize regularizing regulate regulating reinforce
    reinforcing reinterpret rejecting relax relaxing releasing relies rely relying remain
    remains remember remove removing render reorganize repeating replace replacing represent
    representing represents reproduce reproducing repurpose require required requires requiring
    reshaping resist resisting resolve resolving respecting respond restore restoring restrict
    restricting result resulting retain retaining rethink rethinking retrain retrieve returning
    reusing reveal revealing reveals revise revises revising revisit revisiting reweight risking
    safeguarding satisfy satisfying securing see segmenting selecting serve serves settle
    shifting shorten show showcase showcasing showing shown shows simplify simplifying simulate
    simulating situate skipping solve solving spanning specialize specify specifying stabilize
    stabilizing standardize steer storing streamline strengthen struggle struggles study
    studying submit submitting substantiate succeed suffer suffers suggest suggesting suggests
    supervise supervising supplying support supporting supports suppress surpass surpasses
    surpassing sustain sweeping synergize synthesize tackle tackling tailoring take takes taking
    target targeting targets terminate test tests tighten tracing trailing train trained trains
    transcend transferring transform transforming traverse traversing treat treating trust
    uncover uncovering undermining underscoring understand understanding unify unifying unlock
    unlocking use used uses using utilise utilize utilizing validate validating vanish vary
    varying verbalize verify verifying violating visualizing weaken widen work works yield
    yielding yields
"""
_EMPTY_WORDS = """
    ability able absolute accurate additional address art available average based best better
    broad broader capable certain challenging clear close com common comparable complete
    comprehensive consistent contrast conventional critical crucial current demand demonstrated
    despite detailed different difficult diverse dual due easy effective efficient emerging end
    entire essential evolving existing experimental explicit extensive fact far fine first-class
    five following four full fundamental furthermore future github good great growing hard heavy
    high higher highest https hundreds ideal important improved inherent initial insufficient
    introduced io key known large-scale larger largest leading limited little longer low lower
    main major making massive meaningful modern multiple necessary new nine notable ones optimal
    order original overall particular plausible poor popular possible potential powerful
    practical precise previous primary principled prior prominent promising public real-world
    recent reliable remarkable rich rigorous second seven severe significant similar simple
    simultaneous six small smaller sophisticated specific standard state-of-the-art strong
    stronger strongest substantial successful sufficient suitable superior systematic ten third
    thousands top traditional true underexplored underlying unified unique universal unlike
    useful valuable various vast viable vital vs wide worse
"""
_VAGUE_WORDS = """
    abilities ability accuracy advance advantage aim algorithm algorithms analyses analysis
    application applications approach approaches architecture aspects assumption baseline
    baselines behavior behaviour benchmark benchmarks benefit capabilities capability case cases
    challenge challenges change changes code community comparison complex component components
    concept condition conditions configuration configurations contribution contributions cost
    costs data dataset datasets deployment detail details development difference direction
    domain domains effect effectiveness effects efficiency effort efforts error errors
    evaluation evidence example examples experiment experiments factor factors feature features
    field finding findings form formulation framework frameworks function gain gains gap general
    goal idea impact implementation improvement improvements information input insight insights
    issue issues knowledge level levels limitation limitations literature long mechanism
    mechanisms method methods metric metrics model modeling models module novel number objective
    open outcome output pair pairs paper papers paradigm part pattern patterns performance
    perspective pipeline point practice principle problem problems process progress properties
    property quality question questions range rate real reason representation research
    researchers resource result results role sample samples scale scenario scenarios score
    scores set setting settings short single size solution solutions source sources state step
    steps strategies strategy structure studies study success survey system systems task tasks
    technique techniques technology term theory time tool tools trade-off training type types
    understanding use user users value variety view way ways work works world
"""
#: never a part of a phrase; adverbs in "-ly" and verbs in "-ize" neither
BARRIERS = frozenset(_VERBS.split()) | frozenset(_EMPTY_WORDS.split())
#: say nothing alone: "new method", "learning system"
VAGUE = frozenset(_VAGUE_WORDS.split())
#: a phrase does not end with an adjective or an adverb ...
ADJECTIVE = re.compile(
    r"(?:spoken|hidden|written|unseen|sparse|dense|robust|deep|fast|raw|safe|unsafe|[234]d)$"
    r"|.*(?:al|ive|ic|ous|able|ible|ful|less|ary|ly|ed|ant|ent|est|wise|ian)$"
    r"|.*-(?:based|aware|driven|level|free|agnostic|guided|specific|shot|oriented|informed|enhanced"
    r"|efficient|augmented|like|wide|scale|time|hop|turn|step|view|modal|resource|quality|tuned)$"
)
_NOUN_ENDINGS = """
    adjustment adversary agent agreement alignment animal anomaly appraisal approval archive
    argument arousal arrest arrival assembly assessment assistant bed boundary butterfly cable
    cannibal capital client commentary component constant constituent content critic denial
    denoising department deployment determinant dialectic dictionary disposal document dynamic
    early element embed enhancement entanglement environment event experiment fabric family feed
    forest gaussian glossary goal gradient graphic hamiltonian hessian heuristic hospital
    instrument intent interest interval invariant jacobian journal judgment laplacian latent
    library logic management manual material measurement metric moment motive movement music
    musician narrative need objective ornament parent participant patient payment perspective
    physician plant plastic portal potential proposal quadrant quest referral refusal
    reinforcement removal renewal request requirement restaurant retrieval rubric seed segment
    sentiment signal speed statistic student summary supply survival table talent technician
    terminal test topic traffic treatment trial tutorial variable variant vocabulary withdrawal
"""
#: ... except for nouns that end alike
NOUNS = frozenset(_NOUN_ENDINGS.split())
_NAMES = """
    Arabic Bayesian Bernoulli Boolean Brownian Cantonese Chinese Dutch English Euclidean European
    Fourier French Gaussian German Gibbs Greek Hamiltonian Hausdorff Hebrew Hilbert Hindi Indian
    Italian Jacobian Japanese Kalman Korean Lagrangian Langevin Laplace Lipschitz Mandarin Markov
    Monte Carlo Nash Newton Pareto Persian Poisson Portuguese Riemann Riemannian Russian Shapley
    Spanish Swahili Turing Turkish Urdu Vietnamese Wasserstein Wikipedia
"""
#: written with a capital everywhere, also where a title is all that a source gives
CAPITALIZED = frozenset(_NAMES.split())

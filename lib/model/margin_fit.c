/* margin_fit.c: Newton's method with halved steps, in doubles, over one or two parameters. */
#include "model/margin_fit.h"

#include "kernel/kernel.h"

#define ITERATIONS 50
#define LEAST_STEP 1e-10
#define LEAST_GAIN 1e-7 /* of the loss */
#define RIDGE 1e-12
#define SCALE_LEAST 1e-3
#define SCALE_MOST 1e3

/* -log of the likelihood of one margin with target probability t. */
static double sigmoid_loss(double logit, double t)
{
    return logit >= 0 ? (1 - t) * logit + tci_log(1 + tci_exp(-logit)) : tci_log(1 + tci_exp(logit)) - t * logit;
}

static double sigmoid(double logit)
{
    double e = tci_exp(logit >= 0 ? -logit : logit);
    return logit >= 0 ? 1 / (1 + e) : e / (1 + e);
}

typedef struct sigmoid_job {
    const float *margins, *truth;
    size_t count;
    double high, low; /* target probabilities */
} sigmoid_job;

/* A place (a, b) and what is found there: the loss, its gradient and Hessian. */
typedef struct sigmoid_place {
    double a, b, total;
    double gradient[2], hessian[3];
} sigmoid_place;

/* The loss is a sum of ln(1 + e), of whose arguments, at most 2 each, this many are multiplied first. */
#define PRODUCT 16

static void look(const sigmoid_job *job, sigmoid_place *place)
{
    double total = 0, slope_a = 0, slope_b = 0, curve_aa = RIDGE, curve_ab = 0, curve_bb = RIDGE, product = 1;
    for (size_t i = 0; i < job->count; i++) {
        double z = (double)job->margins[i], logit = place->a * z + place->b,
               target = job->truth[i] > 0 ? job->high : job->low;
        double e = tci_exp(logit >= 0 ? -logit : logit), p = (logit >= 0 ? 1 : e) / (1 + e);
        double slope = p - target, curve = p * (1 - p);
        total += logit >= 0 ? (1 - target) * logit : -target * logit;
        product *= 1 + e;
        if (i % PRODUCT == PRODUCT - 1) {
            total += tci_log(product);
            product = 1;
        }
        slope_a += slope * z;
        slope_b += slope;
        curve_aa += curve * z * z;
        curve_ab += curve * z;
        curve_bb += curve;
    }
    place->total = total + tci_log(product);
    place->gradient[0] = slope_a;
    place->gradient[1] = slope_b;
    place->hessian[0] = curve_aa;
    place->hessian[1] = curve_ab;
    place->hessian[2] = curve_bb;
}

/* One of Newton's steps, halved until it is one down; false where none is that is worth taking. */
static bool step_down(const sigmoid_job *job, sigmoid_place *place)
{
    const double *gradient = place->gradient, *hessian = place->hessian;
    double determinant = hessian[0] * hessian[2] - hessian[1] * hessian[1];
    double da = -(hessian[2] * gradient[0] - hessian[1] * gradient[1]) / determinant;
    double db = -(hessian[0] * gradient[1] - hessian[1] * gradient[0]) / determinant;
    if (-(da * gradient[0] + db * gradient[1]) / 2 < LEAST_GAIN * place->total)
        return false;
    for (double step = 1; step > LEAST_STEP; step /= 2) {
        sigmoid_place next = {.a = place->a + step * da, .b = place->b + step * db};
        look(job, &next);
        if (next.total < place->total) {
            *place = next;
            return true;
        }
    }
    return false;
}

tci_margin_fit tci_fit_sigmoid(const float *margins, const float *truth, size_t count, const tci_margin_fit *from)
{
    size_t positive = 0;
    for (size_t i = 0; i < count; i++)
        positive += truth[i] > 0;
    if (positive == 0 || positive == count)
        return (tci_margin_fit){1.0f, 0.0f, 0};
    sigmoid_job job = {margins, truth, count, ((double)positive + 1) / ((double)positive + 2),
                       1 / ((double)(count - positive) + 2)};
    sigmoid_place place = {.a = from ? (double)from->scale : 1, .b = from ? (double)from->shift : 0};
    look(&job, &place);
    for (size_t i = 0; i < ITERATIONS; i++) {
        if (!step_down(&job, &place))
            break;
    }
    if (place.a <
        SCALE_LEAST) { /* margins that tell nothing, or the contrary: how frequent the label is, and no more */
        place.a = SCALE_LEAST;
        place.b = tci_log(((double)positive + 1) / ((double)(count - positive) + 1));
        look(&job, &place);
    }
    place.a = place.a > SCALE_MOST ? SCALE_MOST : place.a;
    return (tci_margin_fit){(float)place.a, (float)place.b, place.total / (double)count};
}

typedef struct softmax_job {
    const float *margins;
    const uint32_t *truth;
    size_t rows, columns;
} softmax_job;

/* -log likelihood with margins times a, and its derivatives in a. */
static double softmax_total(const softmax_job *job, double a, double *slope, double *curve)
{
    double total = 0;
    *slope = *curve = 0;
    for (size_t r = 0; r < job->rows; r++) {
        const float *z = job->margins + r * job->columns;
        double largest = (double)z[0], sum = 0, first = 0, second = 0;
        for (size_t c = 1; c < job->columns; c++)
            largest = (double)z[c] > largest ? (double)z[c] : largest;
        for (size_t c = 0; c < job->columns; c++) {
            double e = tci_exp(a * ((double)z[c] - largest)), value = (double)z[c] - largest;
            sum += e;
            first += e * value;
            second += e * value * value;
        }
        first /= sum;
        total += tci_log(sum) - a * ((double)z[job->truth[r]] - largest);
        *slope += first - ((double)z[job->truth[r]] - largest);
        *curve += second / sum - first * first;
    }
    return total;
}

tci_margin_fit tci_fit_softmax(const float *margins, const uint32_t *truth, size_t rows, size_t columns,
                               const tci_margin_fit *from)
{
    softmax_job job = {margins, truth, rows, columns};
    double a = from ? (double)from->scale : 1, slope, curve, total = softmax_total(&job, a, &slope, &curve);
    for (size_t i = 0; rows > 0 && i < ITERATIONS; i++) {
        double next = a - slope / (curve + RIDGE), next_slope, next_curve, next_total;
        if (slope * slope / (curve + RIDGE) / 2 < LEAST_GAIN * total)
            break;
        next = next < SCALE_LEAST ? SCALE_LEAST : next > SCALE_MOST ? SCALE_MOST : next;
        next_total = softmax_total(&job, next, &next_slope, &next_curve);
        for (size_t halved = 0; next_total > total && halved < 30; halved++) {
            next = (a + next) / 2;
            next_total = softmax_total(&job, next, &next_slope, &next_curve);
        }
        if (!(next_total < total))
            break;
        a = next, slope = next_slope, curve = next_curve, total = next_total;
    }
    return (tci_margin_fit){(float)a, 0.0f, rows > 0 ? total / (double)rows : 0};
}

double tci_sigmoid_surprise(const float *margins, const float *truth, size_t count, const tci_margin_fit *fit,
                            double *expected)
{
    double total = 0, sum = 0;
    for (size_t i = 0; i < count; i++) {
        double logit = (double)fit->scale * (double)margins[i] + (double)fit->shift;
        total += sigmoid_loss(logit, truth[i] > 0 ? 1 : 0);
        sum += sigmoid_loss(logit, sigmoid(logit));
    }
    *expected = count > 0 ? sum / (double)count : 0;
    return count > 0 ? total / (double)count : 0;
}

double tci_softmax_surprise(const float *margins, const uint32_t *truth, size_t rows, size_t columns,
                            const tci_margin_fit *fit, double *expected)
{
    double total = 0, entropies = 0;
    for (size_t r = 0; r < rows; r++) {
        const float *z = margins + r * columns;
        double a = (double)fit->scale, largest = a * (double)z[0], sum = 0, mean = 0;
        for (size_t c = 1; c < columns; c++)
            largest = a * (double)z[c] > largest ? a * (double)z[c] : largest;
        for (size_t c = 0; c < columns; c++) {
            double value = a * (double)z[c] - largest, e = tci_exp(value);
            sum += e;
            mean += e * value;
        }
        total += tci_log(sum) - (a * (double)z[truth[r]] - largest);
        entropies += tci_log(sum) - mean / sum;
    }
    *expected = rows > 0 ? entropies / (double)rows : 0;
    return rows > 0 ? total / (double)rows : 0;
}
